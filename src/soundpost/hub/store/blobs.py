"""Files of a room, kept by the digest of what they hold, in the data folder beside the database: pictures, later firmware and backups.

A row that names a digest is the truth. A file is there before its row is committed and goes after the row is gone, so that a power cut
at any point leaves at most a file that nobody names, which the next tidying finds. Each room has a folder of its own: it alone
knows which digests its rows name.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from soundpost.kernel.errors import Conflict, Retry

NEW = ".new"
NAMED = re.compile("[0-9a-f]{64}")


class Blobs:
    """`drop` belongs inside a unit of work, `put` outside: a file that is about to be named is held, and no tidying takes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: Counter[str] = Counter()

    @contextlib.contextmanager
    def holding(self) -> Iterator["Held"]:
        """What is put through it stays until the end of the block, by when the row that names it is committed, or was refused."""
        held = Held(self)
        try:
            yield held
        finally:
            self._held -= Counter(held.digests)

    def hold(self, digest: str) -> None:
        self._held[digest] += 1

    def get(self, digest: str) -> bytes | None:
        """None: no such file. Raises Conflict `blob_damaged` when it is not what it was."""
        try:
            body = self._path(digest).read_bytes()
        except FileNotFoundError:
            return None
        if digest_of(body) != digest:
            raise Conflict(
                "This file was damaged on the hub's disk; restore it from a backup, or add it anew.",
                code="blob_damaged",
            )
        return body

    def write(self, digest: str, body: bytes) -> None:
        """On disk, synced, when it returns."""
        path = self._path(digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = path.with_name(f"{digest}.{secrets.token_hex(4)}{NEW}")
            with new.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise Retry(
                "The file could not be written to the hub's disk. Check that it has space left, then try again.",
                code="blob_unwritable",
                cause=str(error),
            ) from error

    def stored(self) -> set[str]:
        """The digests on disk, those of files that were only begun included."""
        return {found[0] for path in self._folder.glob("??/*") if (found := NAMED.match(path.name))}

    def drop(self, digests: Iterable[str]) -> int:
        """How many went. Those that are held stay."""
        gone = 0
        for digest in digests:
            if not self._held[digest]:
                for path in self._path(digest).parent.glob(f"{digest}*"):
                    with contextlib.suppress(OSError):
                        path.unlink()
                        gone += 1
        return gone

    def _path(self, digest: str) -> Path:
        assert NAMED.fullmatch(digest), "it comes from rows, never from an address"
        return self._folder / digest[:2] / digest


class Held:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.digests: list[str] = []

    def put(self, body: bytes) -> str:
        """The digest. Blocks on the disk: call it in a thread."""
        digest = digest_of(body)
        self._blobs.hold(digest)
        self.digests.append(digest)
        self._blobs.write(digest, body)
        return digest


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _sync_folder(folder: Path) -> None:
    """The name is on disk as well. Windows has no such thing and needs none."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
