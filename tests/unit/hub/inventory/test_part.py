"""What the summary and the tree tell somebody whose role is limited to a part that lies deep in the tree: nothing of its neighbours."""

import pytest
from tests.unit.hub.inventory.fabric import LONDON, found, status
from tests.unit.hub.inventory.test_places import SAM, path

from soundpost.hub.inventory.places import LocationItem
from soundpost.hub.inventory.scope import EVERYTHING, Scope, scope
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.summary import Need
from soundpost.hub.locations.service import Wanted
from soundpost.hub.people.rules import ROLES, Principal


def part(inventory: Inventory, *places: str) -> Scope:
    rights = ROLES["monitor"]
    return scope(inventory.memory, Principal("person", "usr_x", "X", "x", "monitor", rights, places=frozenset(places)))


def needs(inventory: Inventory, allowed: Scope) -> list[Need]:
    return inventory.summary(allowed).needs


@pytest.fixture
async def rooms(inventory: Inventory) -> dict[str, str]:
    """UK > HQ > Floor 4 > 4.12, 4.14 and a corridor; UK > Annex > A.1."""
    made = {}
    for name, parent in (
        ("UK", ""), ("HQ", "UK"), ("Floor 4", "HQ"), ("4.12", "Floor 4"), ("4.14", "Floor 4"), ("Rack", "4.12"), ("Annex", "UK"),
        ("A.1", "Annex"),
    ):  # fmt: skip
        kind = "room" if name in ("4.12", "4.14", "A.1") else "other"
        wanted = Wanted(parent=made.get(parent, ""), name=name, kind=kind)
        made[name] = (await inventory.locations.add(SAM, wanted)).id
    return made


async def split_stack(inventory: Inventory, london, rooms: dict[str, str]) -> None:
    """The stack and its first box are next door, its second box with a microphone in the room that is seen."""
    london.send(
        found("dev_s", kind="stack", name="Secret stack", address="10.0.4.9", boxes=["s-1", "s-2"], serial_number=""),
        found("dev_s1", name="Secret box", stack="dev_s", parent="dev_s", serial_number="s-1"),
        found("dev_s2", name="Own box", stack="dev_s", parent="dev_s", serial_number="s-2"),
        found("dev_m", kind="microphone", name="Own mic", stack="dev_s", parent="dev_s1", serial_number="s-3"),
    )
    await london.settled()
    await inventory.locations.put(SAM, ["dev_s", "dev_s1"], rooms["4.14"])
    await inventory.locations.put(SAM, ["dev_s2", "dev_m"], rooms["4.12"])


async def test_a_lost_server_counts_for_a_part_what_lies_in_it(inventory, london, rooms):
    await split_stack(inventory, london, rooms)
    inventory.detached(LONDON, "closed", "")
    (everything,) = needs(inventory, EVERYTHING)
    (own,) = needs(inventory, part(inventory, rooms["4.12"]))
    assert (everything.target, everything.devices) == ("/servers/agt_london", 3)
    assert (own.target, own.devices) == ("/servers/agt_london", 2)
    assert needs(inventory, part(inventory, rooms["A.1"])) == []


async def test_a_cause_next_door_is_not_named(inventory, london, rooms):
    await split_stack(inventory, london, rooms)
    london.send(*(status(id, "offline", code="silent") for id in ("dev_s", "dev_s1", "dev_s2", "dev_m")))
    await london.settled()
    assert [(need.title, need.devices) for need in needs(inventory, EVERYTHING)] == [("Secret stack", 3)]
    own = needs(inventory, part(inventory, rooms["4.12"]))
    assert sorted((need.title, need.target, need.devices) for need in own) == [
        ("Own box", "/devices/dev_s2", 1),
        ("Own mic", "/devices/dev_m", 1),
    ]


async def test_a_way_tells_no_more_than_its_name(inventory, london, rooms):
    told = Wanted(address="1 Secret Street", contact="Secret Sam", notes="The code is 1234", zone="Europe/London")
    for name in ("UK", "Floor 4"):
        await inventory.locations.change(SAM, rooms[name], told)
    await path(inventory, "UK > HQ > Floor 4 > 4.16", kind="room")
    await inventory.clock.advance(0.1)

    def drawn(allowed: Scope) -> dict[str, LocationItem]:
        return {item.name: item for item in inventory.tree(allowed)}

    whole, own = drawn(EVERYTHING), drawn(part(inventory, rooms["4.12"], rooms["A.1"]))
    assert [(whole[name].rooms, whole[name].children) for name in ("UK", "HQ", "Floor 4")] == [(4, 2), (3, 1), (3, 3)]
    assert list(own) == ["UK", "Annex", "A.1", "HQ", "Floor 4", "4.12", "Rack"]
    assert [(own[name].rooms, own[name].children) for name in ("UK", "HQ", "Floor 4")] == [(2, 2), (1, 1), (1, 1)]
    assert (own["4.12"].rooms, own["4.12"].children, own["4.12"].way) == (1, 1, False)
    for name in ("UK", "Floor 4"):
        assert own[name].way and whole[name].notes == "The code is 1234"
        assert (own[name].address, own[name].contact, own[name].notes) == ("", "", "")
        assert own[name].own == ["zone"]
    # What holds in the part itself is told there, whoever said it.
    assert (own["4.12"].address, own["4.12"].contact) == ("1 Secret Street", "Secret Sam")
