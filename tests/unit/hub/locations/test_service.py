"""Places in a real store: what a change does is there after a restart, told once, and two changes at once tie no knot."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support.clock import ManualClock

from soundpost.hub.audit.service import Who
from soundpost.hub.locations.service import LIFT, REMOVE, Locations, Wanted
from soundpost.hub.locations.sheet import read
from soundpost.hub.locations.tree import text
from soundpost.hub.store import Store, outbox
from soundpost.kernel.errors import Conflict, Invalid, NotFound

SAM = Who("person", "usr_sam", "Sam", "127.0.0.1")


@pytest.fixture
async def places(tmp_path) -> AsyncIterator[Locations]:
    async with Store(tmp_path / "hub.db", ManualClock()) as store:
        locations = Locations(store)
        await locations.start()
        yield locations


async def made(places: Locations, path: str) -> str:
    parent = ""
    for name in path.split(" > "):
        known = places.tree.child(parent, name)
        parent = known.id if known else (await places.add(SAM, Wanted(parent=parent, name=name))).id
    return parent


def paths(places: Locations) -> list[str]:
    return sorted(text(places.tree.path(id)) for id in places.tree.places)


async def same_after_a_restart(places: Locations) -> None:
    again = Locations(places.store)
    await again.start()
    assert (again.tree.places, again.placed, again.rules) == (places.tree.places, places.placed, places.rules)
    assert paths(again) == paths(places)


async def test_a_tree_is_built_renamed_and_moved(places):
    room = await made(places, "UK > London > HQ > 4 > 4.12")
    assert [place.kind for place in places.tree.path(room)] == ["region", "city", "building", "floor", "room"]
    heard = []
    places.changed.subscribe(heard.append)
    await places.change(SAM, room, Wanted(name="4.12 Boardroom", zone="Europe/London"))
    await places.change(SAM, room, Wanted(name="4.12 Boardroom"))
    assert [change.places for change in heard] == [{room}, frozenset()]
    floor = await made(places, "UK > London > Annex")
    await places.change(SAM, room, Wanted(parent=floor))
    assert text(places.tree.path(room)) == "UK > London > Annex > 4.12 Boardroom"
    await same_after_a_restart(places)
    told = await places.store.read(outbox.read)
    types = ["location.added"] * 5 + ["location.changed", "location.added", "location.changed"]
    assert [event.type for event in told] == types
    assert told[5].data["before"] == {"name": "4.12", "zone": ""}
    assert told[7].data["path"] == "UK > London > Annex > 4.12 Boardroom"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted(parent=""), "location_name"),
        (Wanted(name=" "), "location_name"),
        (Wanted(name="a > b"), "location_name"),
        (Wanted(name="x" * 121), "location_name"),
        (Wanted(name="x", kind="planet"), "location_kind"),
        (Wanted(name="x", zone="Mars/Base"), "zone_unknown"),
        (Wanted(name="x", notes="x" * 4_001), "text_invalid"),
        (Wanted(name="x", contact="a\0b"), "text_invalid"),
    ],
)
async def test_what_a_place_can_not_be(places, wanted, code):
    with pytest.raises(Invalid) as caught:
        await places.add(SAM, wanted)
    assert caught.value.code == code
    assert len(places.tree) == 0


async def test_moving_both_ways_at_once_ties_no_knot(places):
    one, other = await made(places, "one"), await made(places, "other")
    ended = await asyncio.gather(
        places.change(SAM, one, Wanted(parent=other)),
        places.change(SAM, other, Wanted(parent=one)),
        return_exceptions=True,
    )
    assert [type(each) for each in ended if isinstance(each, Exception)] == [Conflict]
    assert paths(places) in (["one", "one > other"], ["other", "other > one"])
    await same_after_a_restart(places)


async def test_a_device_is_where_a_hand_a_rule_or_its_stack_says(places):
    hq, annex = await made(places, "HQ"), await made(places, "Annex")
    assert places.where(["dev_mix", "dev_stack"], ["Name_1", "London-01"], "10.0.4.9") == ("", "")
    await places.add_rule(SAM, annex, "london-*", "10.0.4.0/24")
    assert places.where(["dev_mix", "dev_stack"], ["Name_1", "London-01"], "10.0.4.9") == (annex, "rule")
    assert places.where(["dev_mix", "dev_stack"], ["Name_1", "London-01"], "10.0.5.9") == ("", "")
    await places.put(SAM, ["dev_stack"], hq)
    assert places.where(["dev_mix", "dev_stack"], ["London-01"], "10.0.4.9") == (hq, "inherited")
    await places.put(SAM, ["dev_mix"], annex)
    assert places.where(["dev_mix", "dev_stack"], [], "") == (annex, "hand")
    await places.put(SAM, ["dev_mix"], None)
    assert places.where(["dev_mix", "dev_stack"], [], "") == (hq, "inherited")
    await same_after_a_restart(places)
    with pytest.raises(NotFound):
        await places.put(SAM, ["dev_mix"], "loc_nowhere")


@pytest.mark.parametrize(
    ("name", "subnet", "code"),
    [
        ("", "", "rule_empty"),
        ("x", "10.0.0", "range_invalid"),
        ("[", "", "rule_pattern"),
        ("[ab]-[!", "", "rule_pattern"),
    ],
)
async def test_a_rule_must_say_something_that_can_be_read(places, name, subnet, code):
    with pytest.raises(Invalid) as caught:
        await places.add_rule(SAM, await made(places, "HQ"), name, subnet)
    assert caught.value.code == code


async def test_a_rule_is_told_apart_kept_in_order_and_removed(places):
    hq = await made(places, "HQ")
    first = await places.add_rule(SAM, hq, "lon*", "")
    second = await places.add_rule(SAM, hq, "", "10.0.0.7/24")
    assert (second.subnet, [rule.id for rule in places.rules]) == ("10.0.0.0/24", [first.id, second.id])
    with pytest.raises(Conflict):
        await places.add_rule(SAM, hq, "lon*", "")
    await places.remove_rule(SAM, first.id)
    with pytest.raises(NotFound):
        await places.remove_rule(SAM, first.id)
    await same_after_a_restart(places)


async def test_merging_keeps_what_hangs_there(places):
    old, new = await made(places, "Berlin > 4 > 4.2"), await made(places, "Berlin HQ > 4 > 4.2")
    extra = await made(places, "Berlin > 5")
    await places.put(SAM, ["dev_a"], old)
    await places.add_rule(SAM, old, "ber*", "")
    gone, kept = places.tree.child("", "Berlin").id, places.tree.child("", "Berlin HQ").id
    await places.merge(SAM, gone, kept)
    assert paths(places) == ["Berlin HQ", "Berlin HQ > 4", "Berlin HQ > 4 > 4.2", "Berlin HQ > 5"]
    assert (places.placed, places.rules[0].location) == ({"dev_a": new}, new)
    assert places.tree.get(extra).parent == kept
    await same_after_a_restart(places)


async def test_what_hangs_at_a_place_is_asked_about_before_it_goes(places):
    room = await made(places, "HQ > 4 > 4.12")
    floor, top = places.tree.get(room).parent, places.tree.child("", "HQ").id
    await places.put(SAM, ["dev_a", "dev_b"], room)
    with pytest.raises(Conflict) as caught:
        await places.remove(SAM, floor)
    assert caught.value.code == "location_not_empty"
    assert {k: caught.value.params[k] for k in ("places", "devices", "rules")} == {
        "places": 1,
        "devices": 2,
        "rules": 0,
    }
    await places.remove(SAM, floor, LIFT)
    assert (paths(places), places.placed["dev_a"]) == (["HQ", "HQ > 4.12"], room)
    await places.remove(SAM, room, LIFT)
    assert places.placed == {"dev_a": top, "dev_b": top}
    await places.remove(SAM, top, REMOVE)
    assert (paths(places), places.placed) == ([], {})
    await same_after_a_restart(places)


async def test_lifting_one_that_has_the_name_of_its_parent(places):
    inner = await made(places, "HQ > HQ > HQ")
    middle = places.tree.get(inner).parent
    await places.remove(SAM, middle, LIFT)
    assert (paths(places), text(places.tree.path(inner))) == (["HQ", "HQ > HQ"], "HQ > HQ")
    await same_after_a_restart(places)


async def test_lifting_into_a_name_that_is_taken_changes_nothing(places):
    await made(places, "HQ > 4"), await made(places, "Annex > 4")
    await made(places, "4")
    with pytest.raises(Conflict) as caught:
        await places.remove(SAM, places.tree.child("", "HQ").id, LIFT)
    assert caught.value.code == "location_taken"
    assert paths(places) == ["4", "Annex", "Annex > 4", "HQ", "HQ > 4"]
    await same_after_a_restart(places)


async def test_lifting_the_uppermost_leaves_its_devices_nowhere(places):
    hq = await made(places, "HQ > 4")
    top = places.tree.get(hq).parent
    await places.put(SAM, ["dev_a"], top)
    await places.remove(SAM, top, LIFT)
    assert (paths(places), places.placed) == (["4"], {})
    await same_after_a_restart(places)


async def test_three_hundred_rooms_from_one_table_or_none(places):
    devices = {f"{n:04}-2338-40": f"dev_{n}" for n in range(300)}
    lines = [f"UK > London > {n // 50} > {n // 50}.{n % 50},Europe/London,{n:04}-2338-40" for n in range(300)]
    table = "\n".join(["path,zone,serial", *lines])

    def find(serial, address):
        return [devices[serial]] if serial in devices else []

    with pytest.raises(Conflict) as caught:
        await places.import_sheet(SAM, read((table + "\nUK > X,Mars/Base,").encode()), find)
    assert (caught.value.code, len(places.tree)) == ("sheet_wrong", 0)
    heard = []
    places.changed.subscribe(heard.append)
    await places.import_sheet(SAM, read(table.encode()), find)
    assert (len(places.tree), len(places.placed), len(heard)) == (308, 300, 1)
    assert text(places.tree.path(places.placed["dev_7"])) == "UK > London > 0 > 0.7"
    assert (await places.import_sheet(SAM, read(table.encode()), find)).steps[0].act == "put"
    await same_after_a_restart(places)
