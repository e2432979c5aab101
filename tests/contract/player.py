"""Plays a tape as a device on loopback: what was answered to a line is answered to it again, in the order recorded.

A line the tape does not hold is answered with an error. What came unasked comes after the answer it followed. The sign-in
takes any words, for a tape holds stars in their place; without `signs_in` there is none.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from soundpost.wire.tape import Entry, Way

UNKNOWN = b"ERROR NOT ON THE TAPE \r\n=> "


def answers(entries: Iterable[Entry]) -> dict[str, list[bytes]]:
    """For each line said, what followed it each time. Only whole lines said in one segment count."""
    found: dict[str, list[bytes]] = defaultdict(list)
    asked = ""
    for entry in entries:
        if entry.way is Way.TO:
            asked = entry.data.decode(errors="replace").strip("\r\n ")
            found[asked].append(b"")
        elif entry.way is Way.FROM and asked:
            found[asked][-1] += entry.data
    return dict(found)


class Player:
    def __init__(self, entries: Iterable[Entry], signs_in: bool = True) -> None:
        self._signs_in = signs_in
        table: Mapping[str, list[bytes]] = answers(entries)
        self._left = {line: deque(said) for line, said in table.items()}
        self.unknown: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            for prompt in (b"Username: ", b"Password: ", b"\r\n=> ") if self._signs_in else ():
                writer.write(prompt)
                if prompt != b"\r\n=> ":
                    await reader.readuntil(b"\n")
            while True:
                line = (await reader.readuntil(b"\r")).decode().strip("\r\n ")
                writer.write(self._answer(line))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, line: str) -> bytes:
        said = self._left.get(line)
        if said is None:
            self.unknown.append(line)
            return UNKNOWN
        return said.popleft() if len(said) > 1 else said[0]
