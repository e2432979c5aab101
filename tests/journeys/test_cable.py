"""An interface that goes down and comes back, in a network namespace of the test's own."""

import json
import subprocess
import sys

import pytest
from tests.support.namespaces import hindrance

HINDRANCE = hindrance("a cable pulled and put back", "unshare", "-rn", "ip", "link")


@pytest.mark.skipif(bool(HINDRANCE), reason=HINDRANCE)
def test_a_cable_pulled_and_put_back() -> None:
    command = ["unshare", "-rn", sys.executable, "-m", "tests.support.cable"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["same"], "the stacks lost their ids"
    assert set(told["down"]) <= {"silent", "unreachable"}
    assert told["found"] == 0
