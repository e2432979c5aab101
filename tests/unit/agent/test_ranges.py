import pytest

from soundpost.agent import networks
from soundpost.agent.ranges import Network, parse, plan
from soundpost.device.model import Endpoint
from soundpost.kernel.errors import Invalid


@pytest.mark.parametrize(
    ("text", "first", "last", "total"),
    [
        ("10.20.4.0/24", "10.20.4.1:23", "10.20.4.254:23", 254),
        (" 10.20.4.7 ", "10.20.4.7:23", "10.20.4.7:23", 1),
        ("10.20.4.7/32", "10.20.4.7:23", "10.20.4.7:23", 1),
        ("10.20.4.6/31", "10.20.4.6:23", "10.20.4.7:23", 2),
        ("10.20.4.10-60", "10.20.4.10:23", "10.20.4.60:23", 51),
        ("10.20.4.250-10.20.5.3", "10.20.4.250:23", "10.20.5.3:23", 10),
        ("127.20.1.0/24:10023", "127.20.1.1:10023", "127.20.1.254:10023", 254),
        ("127.0.0.1:20001-20060", "127.0.0.1:20001", "127.0.0.1:20060", 60),
        ("10.1.1.1-2:23-24", "10.1.1.1:23", "10.1.1.2:24", 4),
    ],
)
def test_ranges(text, first, last, total):
    found = parse(text)
    endpoints = list(found.endpoints(23))
    assert (str(endpoints[0]), str(endpoints[-1]), len(endpoints)) == (first, last, total)
    assert found.total == total
    assert all(found.holds(endpoint) for endpoint in endpoints)
    assert not found.holds(Endpoint("192.0.2.1", 23))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "range_invalid", "can't be read"),
        ("10.0.0.0/8", "range_too_large", "Split it"),
        ("10.0.0.300", "range_invalid", "10.0.0.300"),
        ("room 4", "range_invalid", "Write a network"),
        ("10.0.0.1:0", "range_invalid", "1 to 65535"),
        ("10.0.0.1:70000", "range_invalid", "1 to 65535"),
        ("10.0.0.1:30-20", "range_invalid", "last port before"),
        ("10.0.0.9-3", "range_invalid", "last address before"),
        ("10.0.0.9-999", "range_invalid", "0 to 255"),
        ("10.0.0.0/33", "range_invalid", "no IPv4 network"),
        ("fe80::1/64", "range_invalid", "can't be read"),
    ],
)
def test_what_is_wrong_with_a_range_is_said(text, code, words):
    with pytest.raises(Invalid) as caught:
        parse(text)
    assert caught.value.code == code
    assert words in caught.value.text


def test_auto_is_the_default_network_and_others_are_offered():
    found = plan(["auto"], [Network("eth0", "10.20.4.9", 24, True), Network("eth1", "10.20.9.9", 24)])
    assert [(item.interface, item.text, item.range is not None) for item in found] == [
        ("eth0", "10.20.4.0/24", True),
        ("eth1", "10.20.9.0/24", False),
    ]
    assert found[1].note == "Visible, not scanned."


def test_a_large_default_network_is_offered_only():
    (found,) = plan(["auto"], [Network("eth0", "10.20.4.9", 16, True)])
    assert found.range is None
    assert "/22" in found.note


def test_a_named_range_knows_its_interface_and_covers_its_network():
    found = plan(["10.20.4.0/24"], [Network("eth0", "10.20.4.9", 24, True)])
    assert [(item.interface, item.range is not None) for item in found] == [("eth0", True)]


def test_the_default_route_of_linux():
    table = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth1\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    )
    assert networks.default_of(table) == "eth0"
    assert networks.default_of(table.splitlines()[0]) == ""


def test_own_networks_leave_loopback_out():
    assert all(not network.address.startswith("127.") for network in networks.own())
