"""The registry's tables against a plain look at every record."""

from hypothesis import given
from hypothesis import strategies as st

from soundpost.agent.memory import KnownDevice
from soundpost.agent.registry import Registry
from soundpost.device.model import Device, Endpoint, Kind

IDS = [f"dev_{letter}" for letter in "abcdef"]
STACKS = IDS[:3]
ADDRESSES = ["10.0.0.1", "10.0.0.2"]
CHANGES = st.tuples(
    st.sampled_from(["keep", "forget", "rename"]),
    st.sampled_from(IDS),
    st.sampled_from(STACKS),
    st.sampled_from(ADDRESSES),
)


def record(key: str, stack: str, address: str) -> KnownDevice:
    own = key in STACKS
    kind = Kind.STACK if own else Kind.MIXER
    return KnownDevice(
        device=Device(id=key, kind=kind, family="f", stack="" if own else stack, address=address, port=23), part="p"
    )


@given(st.lists(CHANGES, max_size=40))
def test_members_and_places_are_what_the_records_say(changes: list[tuple[str, str, str, str]]) -> None:
    registry = Registry(lambda: "dev_new")
    for change, key, stack, address in changes:
        if change == "keep":
            registry.keep(record(key, stack, address))
        elif change == "forget":
            registry.forget(key)
        elif key not in registry.known and stack in registry.known:
            registry.rename({stack: key})
            registry.rename({key: stack})
        known = registry.known.values()
        for one in STACKS:
            members = registry.members(one)
            assert {m.device.id for m in members} == {
                k.device.id for k in known if one in (k.device.id, k.device.stack)
            }
            assert members[:1] == [registry.known[one]] if one in registry.known else True
        for where in ADDRESSES:
            here = {k.device.id for k in known if k.device.kind == Kind.STACK and k.device.address == where}
            assert set(registry.at(Endpoint(where, 23))) == here
            found = registry.stack_at("f", Endpoint(where, 23))
            assert (found is None) == (not here)
