"""Photos of places in real stores, on both databases: rows first, files swept later, and none swept that a row names."""

import asyncio
import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image
from tests.support.clock import ManualClock

from soundpost.hub.audit.service import Who
from soundpost.hub.locations.photos import MOST, Photos
from soundpost.hub.locations.service import LIFT, REMOVE, Locations, Wanted
from soundpost.hub.locations.tree import Photo
from soundpost.hub.store import Store, outbox
from soundpost.kernel.errors import Conflict, Invalid, NotFound, Unavailable

pytestmark = pytest.mark.slow

SAM = Who("person", "usr_sam", "Sam", "127.0.0.1")


def jpeg(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(out, "JPEG")
    return out.getvalue()


class House:
    def __init__(self, store: Store, most: int = MOST) -> None:
        self.store, self.clock = store, store.clock
        self.locations = Locations(store)
        self.photos = Photos(self.locations, most)

    async def add(self, location: str, data: bytes, caption: str = "") -> Photo:
        """A moment after the one before: their order is that of time."""
        self.clock.jump(0.001)
        return await self.photos.add(SAM, location, data, caption)

    async def room(self, name: str, parent: str = "") -> str:
        return (await self.locations.add(SAM, Wanted(name=name, parent=parent))).id

    def captions(self, location: str) -> list[str]:
        return [photo.caption for photo in self.locations.photos.get(location, ())]

    async def same_after_a_restart(self) -> None:
        again = Locations(self.store)
        await again.start()
        assert again.photos == self.locations.photos


@pytest.fixture
async def house(target, tmp_path) -> AsyncIterator[House]:
    async with Store(target, ManualClock(), files=tmp_path / "files") as store:
        made = House(store)
        await made.locations.start()
        yield made


async def test_photos_come_are_named_and_go(house):
    room = await house.room("4.12")
    door = await house.add(room, jpeg("red"), "Door")
    rack = await house.add(room, jpeg("blue"))
    assert (door.width, door.height) == (16, 12)
    assert await house.photos.read(door, small=True) != await house.photos.read(rack, small=True)
    await house.photos.caption(SAM, room, rack.id, " Rack A ")
    assert house.captions(room) == ["Door", "Rack A"]
    await house.same_after_a_restart()
    await house.photos.remove(SAM, room, door.id)
    assert house.captions(room) == ["Rack A"]
    with pytest.raises(NotFound):
        await house.photos.remove(SAM, room, door.id)
    with pytest.raises(NotFound):
        house.photos.find(room, door.id)
    await house.same_after_a_restart()
    told = [event.type for event in await house.store.read(outbox.read)]
    assert told[1:] == ["location.photo_added"] * 2 + ["location.photo_changed", "location.photo_removed"]


async def test_files_go_when_no_row_names_them(house):
    one, two = await house.room("one"), await house.room("two")
    first = await house.add(one, jpeg())
    await house.add(two, jpeg())  # the same picture: the same files
    stored = house.photos.blobs.stored()
    await house.photos.remove(SAM, one, first.id)
    assert await house.photos.tidy() == 0
    await house.locations.remove(SAM, two, REMOVE)
    assert house.photos.blobs.stored() == stored  # later, not in the same breath
    assert await house.photos.tidy() == len(stored)
    assert house.photos.blobs.stored() == set()


async def test_what_is_about_to_be_named_is_not_swept(house):
    room = await house.room("4.12")
    gone = await house.add(room, jpeg())
    await house.photos.remove(SAM, room, gone.id)

    async def tidying() -> None:
        for _ in range(20):
            await house.photos.tidy()

    *_, photo = await asyncio.gather(tidying(), tidying(), house.photos.add(SAM, room, jpeg()))
    assert await house.photos.read(photo, small=False)
    assert await house.photos.tidy() == 0


async def test_a_place_with_photos_is_asked_about_and_takes_them_along(house):
    floor = await house.room("4")
    room = await house.room("4.12", floor)
    await house.add(room, jpeg(), "Door")
    await house.add(floor, jpeg(), "Lift")
    with pytest.raises(Conflict) as caught:
        await house.locations.remove(SAM, room)
    assert (caught.value.code, caught.value.params["photos"]) == ("location_not_empty", 1)
    await house.locations.remove(SAM, floor, LIFT)
    assert (house.captions(floor), house.captions(room)) == ([], ["Door"])
    await house.locations.remove(SAM, room, REMOVE)
    assert house.locations.photos == {}
    await house.same_after_a_restart()


async def test_merging_moves_them(house):
    old, new = await house.room("HQ"), await house.room("Main building")
    old_room, new_room = await house.room("4.12", old), await house.room("4.12", new)
    for place, caption in ((old, "Gate"), (new, "Hall"), (old_room, "Rack"), (new_room, "Door")):
        await house.add(place, jpeg(), caption)
    await house.locations.merge(SAM, old, new)
    assert (house.captions(new), house.captions(new_room)) == (["Gate", "Hall"], ["Rack", "Door"])
    assert set(house.locations.photos) == {new, new_room}
    await house.same_after_a_restart()


async def test_a_place_has_so_many_and_no_more(house):
    house.photos = Photos(house.locations, most=2)
    room = await house.room("4.12")
    done = await asyncio.gather(*(house.photos.add(SAM, room, jpeg()) for _ in range(4)), return_exceptions=True)
    assert sorted(getattr(one, "code", "") for one in done) == ["", "", "photos_full", "photos_full"]
    assert len(house.locations.photos[room]) == 2


@pytest.mark.parametrize("data", [b"", b"not a picture", jpeg()[:200]])
async def test_what_is_no_picture_leaves_nothing(house, data):
    room = await house.room("4.12")
    with pytest.raises(Invalid):
        await house.add(room, data)
    assert house.locations.photos == {} and house.photos.blobs.stored() == set()


async def test_a_place_that_goes_while_its_photo_is_drawn(house):
    room = await house.room("4.12")
    adding = asyncio.create_task(house.photos.add(SAM, room, jpeg()))
    await asyncio.to_thread(bool)  # others had a turn
    await house.locations.remove(SAM, room, REMOVE)
    await asyncio.gather(adding, return_exceptions=True)
    await house.photos.tidy()
    assert (house.locations.photos, house.photos.blobs.stored()) == ({}, set())


async def test_a_copy_of_the_hubs_places_takes_none(house):
    room = await house.room("4.12")
    await house.add(room, jpeg())
    house.locations.managed = True
    with pytest.raises(Conflict) as caught:
        await house.add(room, jpeg())
    assert caught.value.code == "managed_by_hub"
    await house.locations.mirror([], {})
    assert house.locations.photos == {}
    await house.same_after_a_restart()


async def test_without_a_folder_nothing_is_taken(target, tmp_path):
    if isinstance(target, str):
        async with Store(target, ManualClock()) as store:
            with pytest.raises(Unavailable):
                store.blobs("photos")
