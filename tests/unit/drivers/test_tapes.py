"""Tapes of tests/transcripts, played to this driver's ears: nothing is unknown, nothing is thrown away, and what a remark
`# ? <key> <values>` says is what the driver heard, each change in its order."""

from pathlib import Path

import pytest
from tests.contract.peer import Peer
from tests.unit.drivers.direct import Direct

from soundpost.drivers.converge_pro2 import replies
from soundpost.wire import tape
from soundpost.wire.lines import Garbage, Line, Lines

FOLDER = Path(__file__).parents[2] / "transcripts"
TAPES = [path for path in sorted(FOLDER.glob("*.tape")) if not path.stem.startswith(("bma360d", "collaborate"))]


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
async def test_a_tape_is_heard(path: Path, step: int) -> None:
    told = path.read_bytes()
    direct = Direct(Peer())
    direct.peer.models = {"Name_1": "128VT", "Name_2": "48V"}
    await direct.read()
    stream = b"".join(entry.data for entry in tape.parse(told) if entry.way is tape.Way.FROM)
    lines = Lines()
    items = [item for at in range(0, len(stream), step) for item in lines.feed(stream[at : at + step])]
    assert not [item for item in items if isinstance(item, Garbage)]
    changes: dict[str, list[str]] = {}
    for item in items:
        if not isinstance(item, Line):
            continue
        understood = not isinstance(replies.parse(item.text), replies.Unknown)
        assert understood or replies.is_error(item.text) or item.text.split()[0] in ("MCCF", "MT", "ROOM"), item
        for _, reading in direct.talk.heard(item.text).readings:
            seen = changes.setdefault(reading.key, [])
            if seen[-1:] != [str(reading.value)] and reading.value != "":
                seen.append(str(reading.value))
    for remark in tape.remarks(told):
        if remark.startswith("? "):
            _, key, *values = remark.split()
            assert changes.get(key) == values, key


@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
def test_a_tape_is_written_as_we_write_it(path: Path) -> None:
    told = path.read_bytes()
    assert tape.text(tape.parse(told), tape.remarks(told)) == told
