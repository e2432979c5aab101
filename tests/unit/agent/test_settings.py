from pathlib import Path

import pytest

from soundpost.agent.settings import from_environment
from soundpost.kernel.errors import Invalid

DATA = Path("/srv/agent")


def test_defaults():
    found = from_environment({}, DATA, version="1.2")
    assert (found.subnets, found.subnets_fixed, found.keys) == (("auto",), False, Path("/srv/agent.keys"))
    assert found.version == "1.2"


def test_the_environment():
    told = {
        "SOUNDPOST_AGENT_SUBNETS": "127.20.0.0/24:10023, 10.0.0.1",
        "SOUNDPOST_AGENT_FAMILIES": "bma360d, collaborate_live",
        "SOUNDPOST_AGENT_ZONE": "Europe/London",
        "SOUNDPOST_AGENT_PERIOD_STATUS": "0.5",
        "SOUNDPOST_KEYS": "/keys",
    }
    found = from_environment(told, DATA)
    assert found.subnets == ("127.20.0.0/24:10023", "10.0.0.1")
    assert found.subnets_fixed
    assert found.families == ("bma360d", "collaborate_live")
    assert (found.zone, found.periods.status, found.keys) == ("Europe/London", 0.5, Path("/keys"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("SOUNDPOST_AGENT_POLICY", "maybe"), ("SOUNDPOST_AGENT_INTERVAL", "soon"), ("SOUNDPOST_AGENT_PERIOD_FACTS", "-1")],
)
def test_what_is_wrong_names_its_variable(name, value):
    with pytest.raises(Invalid) as caught:
        from_environment({name: value}, DATA)
    assert name in caught.value.text
