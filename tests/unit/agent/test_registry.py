"""The registry's tables against a plain look at every record."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from soundpost.agent.memory import KnownDevice
from soundpost.agent.registry import Registry
from soundpost.device.contract import Part
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


SERIALS = ["S1", "S2", "S3"]
TAKES = st.tuples(
    st.sampled_from(["keep", "forget", "rename"]),
    st.sampled_from(IDS),
    st.sampled_from(IDS),
    st.sets(st.sampled_from(SERIALS), min_size=1),
)


@given(st.lists(TAKES, max_size=40))
def test_a_serial_leads_to_the_last_that_had_it_until_that_is_forgotten(
    changes: list[tuple[str, str, str, set[str]]],
) -> None:
    registry = Registry(lambda: "dev_new")
    plain: dict[bool, dict[str, str]] = {True: {}, False: {}}
    """By table, the plain way: who is forgotten is looked for at every serial."""
    for change, key, other, serials in changes:
        stack, taken = key in STACKS, sorted(serials) if key in STACKS else [min(serials)]
        if change == "keep":
            registry.keep(with_serials(key, taken))
            plain[stack].update(dict.fromkeys(taken, key))
        elif change == "forget":
            registry.forget(key)
            for table in plain.values():
                for serial in [serial for serial, owner in table.items() if owner == key]:
                    del table[serial]
        elif key in registry.known and other not in registry.known and (other in STACKS) == stack:
            boxes = registry.known[key].device.boxes or [registry.known[key].device.serial_number]
            registry.rename({key: other})
            for serial in [serial for serial, owner in plain[stack].items() if owner == key]:
                del plain[stack][serial]
            plain[stack].update(dict.fromkeys(boxes, other))
        nowhere = Endpoint("10.9.9.9", 23)
        for serial in SERIALS:
            found = registry.stack_of("f", [serial], nowhere)
            assert (found.device.id if found else None) == plain[True].get(serial)
            part = Part(part="p", kind=Kind.MIXER, serial_number=serial)
            assert registry.part_id("f", part, "dev_none") == plain[False].get(serial, "dev_new")


def with_serials(key: str, serials: list[str]) -> KnownDevice:
    own = key in STACKS
    device = Device(
        id=key, kind=Kind.STACK if own else Kind.MIXER, family="f", boxes=serials if own else [],
        serial_number="" if own else serials[0], address="10.0.0.1", port=23,
    )  # fmt: skip
    return KnownDevice(device=device, part="p")


class Counting(dict[Any, Any]):
    """A table that counts what it hands out one after the other."""

    steps = 0

    def items(self) -> Any:
        return self._counted(super().items())

    def keys(self) -> Any:
        return self._counted(super().keys())

    def values(self) -> Any:
        return self._counted(super().values())

    def __iter__(self) -> Any:
        return self._counted(super().__iter__())

    def _counted(self, all_of_it: Any) -> Any:
        for one in all_of_it:
            self.steps += 1
            yield one


def test_a_hubs_ids_for_all_devices_cost_no_look_through_all_serials_for_each() -> None:
    most = 300
    registry = Registry(lambda: "dev_new")
    tables = Counting(), Counting()
    registry._serials, registry._stacks = tables
    for number in range(most):
        box = with_serials(f"dev_b{number}", [f"B{number}"])
        device = Device(id=f"dev_s{number}", kind=Kind.STACK, family="f", boxes=[f"B{number}"])
        stack = KnownDevice(device=device, part="s")
        registry.keep(box)
        registry.keep(stack)
    names = {f"dev_{what}{number}": f"dev_hub_{what}{number}" for what in "bs" for number in range(most)}
    assert len(registry.rename(names)) == 2 * most
    assert sum(table.steps for table in tables) <= 2 * most
    assert dict(tables[0].items()) == {("f", f"B{number}"): f"dev_hub_b{number}" for number in range(most)}
