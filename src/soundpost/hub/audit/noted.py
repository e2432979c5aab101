"""Heads of the audit noted in the keys folder, outside the data: who can write the database alone can't change them."""

from pathlib import Path

from soundpost.hub.audit import chain
from soundpost.hub.audit.chain import Head
from soundpost.kernel.sealed import write_private

NOTE = "audit.head"
LOST = "audit.lost"
LOST_MOST = 50


def note(folder: Path | None) -> Head | None:
    """The head noted last; None when there is none that can be read."""
    return next(iter(_read(folder, NOTE)), None)


def lost(folder: Path | None) -> list[Head]:
    """Noted heads that the chain of a running hub turned out to go through no longer."""
    return _read(folder, LOST)


def kept(folder: Path | None) -> list[Head]:
    """All that a pass compares with."""
    return [*_read(folder, NOTE), *lost(folder)]


def holds_any(folder: Path | None) -> bool:
    """Whether a chain was ever noted here, readable or not."""
    return folder is not None and any((folder / name).exists() for name in (NOTE, LOST))


def put(folder: Path | None, head: Head) -> None:
    if folder is not None and head.n:
        write_private(folder / NOTE, f"{head.text}\n".encode())


def put_lost(folder: Path, head: Head) -> None:
    """Once each; the first of them are the ones to keep."""
    known = lost(folder)
    if head.text not in {one.text for one in known} and len(known) < LOST_MOST:
        write_private(folder / LOST, "".join(f"{one.text}\n" for one in (*known, head)).encode())


def _read(folder: Path | None, name: str) -> list[Head]:
    if folder is None:
        return []
    try:
        return [chain.head_of(line) for line in (folder / name).read_text().split()]
    except (OSError, ValueError):
        return []
