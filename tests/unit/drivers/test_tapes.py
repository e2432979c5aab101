"""Tapes of tests/transcripts, played to a driver's ears: nothing is unknown, nothing is thrown away, and what a remark
`# ? <key> <values>` says is what the driver heard, each change in its order."""

from pathlib import Path

import pytest
from tests.contract.peer import Peer
from tests.unit.drivers.direct import Direct

from soundpost.drivers.bma360d import replies as array_replies
from soundpost.drivers.bma360d.driver import Conversation
from soundpost.drivers.converge_pro2 import replies
from soundpost.transport.talk import Talk
from soundpost.wire import tape
from soundpost.wire.lines import Garbage, Line, Lines

FOLDER = Path(__file__).parents[2] / "transcripts"
TAPES = sorted(FOLDER.glob("*.tape"))
MIRRORED = ("MCCF", "MT", "ROOM")


async def talk_of(path: Path) -> Talk:
    if path.stem.startswith("bma360d"):
        return Conversation()
    direct = Direct(Peer())
    direct.peer.models = {"Name_1": "128VT", "Name_2": "48V"}
    await direct.read()
    return direct.talk


def understood(path: Path, text: str) -> bool:
    if path.stem.startswith("bma360d"):
        return not isinstance(array_replies.parse(text), array_replies.Unknown) or text in array_replies.COMMANDS
    known = not isinstance(replies.parse(text), replies.Unknown)
    return known or replies.is_error(text) or text.split()[0] in MIRRORED


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize("path", TAPES, ids=lambda path: path.stem)
async def test_a_tape_is_heard(path: Path, step: int) -> None:
    told = path.read_bytes()
    talk, lines = await talk_of(path), Lines()
    stream = b"".join(entry.data for entry in tape.parse(told) if entry.way is tape.Way.FROM)
    items = [item for at in range(0, len(stream), step) for item in lines.feed(stream[at : at + step])]
    assert not [item for item in items if isinstance(item, Garbage)]
    changes: dict[str, list[str]] = {}
    for text in [item.text for item in items if isinstance(item, Line)]:
        assert understood(path, text), text
        for _, reading in talk.heard(text).readings:
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
