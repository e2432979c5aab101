"""A disk that is full to the last byte, in a mount namespace of the test's own."""

import json
import subprocess
import sys

import pytest
from tests.support.namespaces import hindrance

HINDRANCE = hindrance(
    "a disk full to the last byte", "unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"
)


@pytest.mark.skipif(bool(HINDRANCE), reason=HINDRANCE)
def test_a_plug_pulled_while_the_disk_is_full() -> None:
    command = ["unshare", "-rm", sys.executable, "-m", "tests.support.full_disk"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["hub"] == [["unknown", "disk_failed"]]
    assert {status for status, _ in told["page"]} == {"unknown"}
    assert told["code"] == "disk_failed"
