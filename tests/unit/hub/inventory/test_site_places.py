"""What a site is told of the hub's places, and what it makes of it."""

import pytest
from tests.unit.hub.inventory.fabric import LONDON, PARIS, Session, found

from soundpost.hub.audit.service import SYSTEM
from soundpost.hub.inventory.scope import EVERYTHING
from soundpost.hub.inventory.service import Inventory
from soundpost.hub.inventory.site_places import PlacesTeller, of_site
from soundpost.hub.locations.service import Wanted
from soundpost.hub.locations.tree import Location
from soundpost.kernel.errors import Conflict
from soundpost.link.envelope import SitePlan


async def placed(inventory: Inventory) -> dict[str, str]:
    """HQ > Room 1 with London's mixer, HQ > Room 2 with that of Paris, and a room nobody is in."""
    for source, device in ((LONDON, "dev_a"), (PARIS, "dev_p")):
        inventory.attached(source)
        session = Session(inventory, source)
        session.send(found(device))
        await session.settled()
    top = (await inventory.locations.add(SYSTEM, Wanted(name="HQ", zone="Europe/London"))).id
    ids = {"HQ": top}
    for name in ("Room 1", "Room 2", "Room 3"):
        ids[name] = (await inventory.locations.add(SYSTEM, Wanted(parent=top, name=name, kind="room"))).id
    await inventory.locations.put(SYSTEM, ["dev_a"], ids["Room 1"])
    await inventory.locations.put(SYSTEM, ["dev_p"], ids["Room 2"])
    return ids


async def test_a_site_is_told_of_its_own_devices_and_the_way_to_them(inventory: Inventory):
    ids = await placed(inventory)
    told = of_site(inventory, LONDON.site)
    assert [(place.name, place.parent) for place in told.places] == [("HQ", ""), ("Room 1", ids["HQ"])]
    assert told.devices == {"dev_a": ids["Room 1"]}


async def test_it_is_told_again_only_when_something_of_its_own_changed(inventory: Inventory):
    ids = await placed(inventory)
    sent: list[tuple[str, SitePlan]] = []
    teller = PlacesTeller(inventory, lambda site, plan: sent.append((site, plan)) is None)
    first = teller.plan(LONDON.site)
    await inventory.locations.change(SYSTEM, ids["Room 2"], Wanted(name="Another"))
    teller.tell()
    assert sent == []
    await inventory.locations.change(SYSTEM, ids["Room 1"], Wanted(name="Boardroom"))
    teller.tell()
    teller.tell()
    [(site, plan)] = sent
    assert (site, plan.places.places[1].name) == (LONDON.site, "Boardroom")
    assert plan.revision > first.revision


async def test_a_site_that_could_not_be_told_is_told_at_the_next_change(inventory: Inventory):
    ids = await placed(inventory)
    answers = [False, True]
    sent: list[SitePlan] = []
    teller = PlacesTeller(inventory, lambda _site, plan: sent.append(plan) or answers.pop(0))
    teller.plan(LONDON.site)
    for name in ("One", "Two"):
        await inventory.locations.change(SYSTEM, ids["Room 1"], Wanted(name=name))
        teller.tell()
    assert [plan.places.places[1].name for plan in sent] == ["One", "Two"]


HERE = [Location("loc_hq", "", "HQ", "building", zone="Europe/London"), Location("loc_1", "loc_hq", "Room 1", "room")]


async def test_the_copy_replaces_what_was_here_and_nobody_changes_it(inventory: Inventory):
    ids = await placed(inventory)
    await inventory.locations.add_rule(SYSTEM, ids["Room 3"], "Name*", "")
    await inventory.locations.mirror(HERE, {"dev_a": "loc_1", "dev_p": "loc_not_told"})
    inventory.locations.managed = True
    assert [item.path for item in inventory.tree(EVERYTHING)] == ["HQ", "HQ > Room 1"]
    assert {d: inventory.find(d, EVERYTHING).place for d in ("dev_a", "dev_p")} == {"dev_a": "loc_1", "dev_p": ""}
    assert inventory.locations.rules == []
    with pytest.raises(Conflict) as refused:
        await inventory.locations.add(SYSTEM, Wanted(name="Mine"))
    assert refused.value.code == "managed_by_hub"
    await inventory.locations.start()  # as the rows tell it
    assert set(inventory.locations.tree.places) == {"loc_hq", "loc_1"}


async def test_the_same_copy_again_is_no_news(inventory: Inventory):
    await placed(inventory)
    await inventory.locations.mirror(HERE, {"dev_a": "loc_1"})
    head = inventory.store.head
    await inventory.locations.mirror(HERE, {"dev_a": "loc_1"})
    assert inventory.store.head == head
