"""Photos of places: drawn anew, stored by the hash of what they show, named by rows. The files of those that are gone go later."""

import asyncio
from collections.abc import Iterable

from soundpost.hub.audit.service import Who
from soundpost.hub.locations import pictures, repo
from soundpost.hub.locations import rules as check
from soundpost.hub.locations.service import Change, Locations
from soundpost.hub.locations.tree import Photo
from soundpost.hub.store import Tx
from soundpost.hub.store.blobs import Blobs
from soundpost.kernel import ids, log
from soundpost.kernel.errors import Conflict, NotFound

MOST = 20
TIDY_S = 86_400.0


class Photos:
    def __init__(self, locations: Locations, most: int = MOST) -> None:
        self._most = most
        self._locations, self._store = locations, locations.store
        self._drawing = asyncio.Lock()
        self._gone = asyncio.Event()
        self._named = 0

    @property
    def blobs(self) -> Blobs:
        return self._store.blobs("photos")

    def find(self, location: str, id: str) -> Photo:
        return among(self._locations.photos.get(location, ()), id)

    async def read(self, photo: Photo, *, small: bool) -> bytes:
        """The JPEG file."""
        body = await asyncio.to_thread(self.blobs.get, photo.small if small else photo.large)
        if body is None:
            raise NotFound(
                "The file of this photo is missing on the hub; add it again.", code="photo_gone", id=photo.id
            )
        return body

    async def add(self, who: Who, location: str, data: bytes, caption: str = "") -> Photo:
        """`data`: a JPEG, PNG or WebP file of at most pictures.MOST_BYTES, as it was sent."""
        caption = check.check_text("caption", caption)
        self._locations.tree.get(location)
        self._locations.refuse_copy()
        self._refuse_more(len(self._locations.photos.get(location, ())))
        async with self._drawing:  # one at a time: each may take 200 MB
            picture = await asyncio.to_thread(pictures.drawn, data)
        photo = Photo(
            ids.mint("pho", self._store.clock.now_ms()), location, caption, "", "", picture.width, picture.height, 0
        )
        with self.blobs.holding() as held:
            large, small = [await asyncio.to_thread(held.put, body) for body in (picture.large, picture.small)]

            def work(tx: Tx) -> dict[str, object]:
                self._refuse_more(len(repo.photos_of(tx.conn, location)))
                repo.add_photo(tx.conn, dated(photo, large, small, tx.now_ms))
                return {"photo": photo.id, "caption": caption}

            await self._locations.change_photos(who, location, "location.photo_added", work)
        return self.find(location, photo.id)

    def _refuse_more(self, there: int) -> None:
        if there >= self._most:
            raise Conflict(
                f"A place may have {self._most} photos; delete one of them first.", code="photos_full", most=self._most
            )

    async def caption(self, who: Who, location: str, id: str, caption: str) -> Photo:
        caption = check.check_text("caption", caption)

        def work(tx: Tx) -> dict[str, object]:
            before = among(repo.photos_of(tx.conn, location), id)
            repo.caption_photo(tx.conn, id, caption)
            return {"photo": id, "caption": caption, "before": {"caption": before.caption}}

        if self.find(location, id).caption != caption:
            await self._locations.change_photos(who, location, "location.photo_changed", work)
        return self.find(location, id)

    async def remove(self, who: Who, location: str, id: str) -> None:
        def work(tx: Tx) -> dict[str, object]:
            photo = among(repo.photos_of(tx.conn, location), id)
            repo.remove_photo(tx.conn, id)
            return {"photo": id, "caption": photo.caption}

        await self._locations.change_photos(who, location, "location.photo_removed", work)

    # --- files that no row names any more

    async def run(self) -> None:
        """Tidies at the start, after photos went, and daily."""
        line = log.UpDown(log.get("locations"), "deleting files of photos that are gone")
        self._locations.changed.subscribe(self._heard)
        self._heard(Change())
        while True:
            try:
                await self.tidy()
                line.up()
            except Exception as error:
                line.down(str(error))
            try:
                async with self._store.clock.timeout(TIDY_S):
                    await self._gone.wait()
            except TimeoutError:
                pass
            self._gone.clear()

    def _heard(self, _: Change) -> None:
        named = sum(map(len, self._locations.photos.values()))
        if named < self._named:
            self._gone.set()
        self._named = named

    async def tidy(self) -> int:
        """The number of files that went. Asked again inside the lane: what is committed there by then is named, what is not is held."""
        stored = await asyncio.to_thread(self.blobs.stored)
        doubtful = stored - await self._store.read(repo.named_files)
        if not doubtful:
            return 0
        return await self._store.unit_of_work(lambda tx: self.blobs.drop(doubtful - repo.named_files(tx.conn)))


def among(photos: Iterable[Photo], id: str) -> Photo:
    for photo in photos:
        if photo.id == id:
            return photo
    raise NotFound("There is no such photo here; it may have been deleted.", code="photo_gone", id=id)


def dated(photo: Photo, large: str, small: str, now_ms: int) -> Photo:
    return Photo(photo.id, photo.location, photo.caption, large, small, photo.width, photo.height, now_ms)
