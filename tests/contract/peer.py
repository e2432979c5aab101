"""A scripted CONVERGE Pro 2 on loopback, written from devices.md alone: neither the driver's parser nor the simulator."""

import asyncio
import socket
import struct
from collections.abc import Callable

from tests.contract import peer_words

USER, PASSWORD = "clearone", "converge"


class Peer:
    """Two boxes with MICs 01-02, OUTPUT 01 and one peripheral on the first box. Knobs are plain attributes."""

    def __init__(self) -> None:
        self.serials = {"Name_1": "1234-2334-40", "Name_2": "1234-2335-40"}
        self.models = {"Name_1": "48V", "Name_2": "48V"}
        self.values: dict[str, str] = {}
        self.more: set[tuple[str, str]] = set()
        self.peripheral = "1 BMA360 Ceiling 9000-2401-40 2.0.1.8 1"
        self.firmware = "7.0.0.1"
        self.greeting = b"\xff\xfd\x01\xff\xfd\x21\xff\xfb\x01\xff\xfb\x03Username: "
        self.password = PASSWORD
        self.closes_after_failure = False
        self.parting = b""
        self.refusal = b"\r\nUsername: "
        self.silent = False
        self.error = ""
        self.echo = False
        self.starting = False
        self.lab = True
        self.frozen = False
        self.before_reply: list[str] = []
        self.frame: Callable[[str], bytes] = framed
        self.asks_password = b"Password: "
        self.lines: list[str] = []
        self.logins: list[tuple[str, str]] = []
        self.on_line: Callable[[str], None] = lambda line: None
        self.writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()
            self._server = None

    def drop(self, reset: bool = False) -> None:
        for writer in self.writers:
            if reset:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort() if reset else writer.close()
        self.writers.clear()

    def push(self, line: str) -> None:
        for writer in self.writers:
            writer.write(self.frame(line))

    def raw(self, data: bytes) -> None:
        for writer in self.writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            if await self._login(reader, writer):
                while line := await self._line(reader):
                    self._answer(line, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            if writer in self.writers:
                self.writers.remove(writer)

    async def _line(self, reader: asyncio.StreamReader) -> str:
        while True:
            raw = (await reader.readuntil(b"\r")).decode().strip("\r\n ")
            if raw:
                return raw

    async def _login(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.silent:
            await reader.read()
            return False
        writer.write(self.greeting)
        while True:
            user = await self._line(reader)
            writer.write(self.asks_password)
            password = await self._line(reader)
            self.logins.append((user, password))
            if (user, password) == (USER, self.password):
                writer.write(b"\r\n=> ")
                return True
            if self.closes_after_failure:
                writer.write(self.parting)
                return False
            writer.write(self.refusal)

    def _answer(self, line: str, writer: asyncio.StreamWriter) -> None:
        self.lines.append(line)
        self.on_line(line)
        if self.silent:
            return
        if self.echo:
            writer.write(line.encode() + b"\r\n")
        for push in self.before_reply:
            writer.write(self.frame(push))
        for reply in [self.error] if self.error else self.replies(line):
            writer.write(self.frame(reply) if reply else b"")

    def replies(self, line: str) -> list[str]:
        match line.upper().split():
            case ["VERSION", "*", "FW", "1"]:
                return ["VERSION * FW 1\0" if self.starting else f"VERSION * FW 1 {self.firmware}"]
            case ["EP", kind, number, _, _, *_] if (kind, number) in peer_words.HAS | self.more:
                said = peer_words.end_point(line, self.values, self.frozen)
                return [said or "ERROR INVALID PARAMETER(S)"]
            case ["BOX", _, "UNIT", "SN"] if line.split()[1] in self.serials:
                return [f"BOX {line.split()[1]} UNIT SN {self.serials[line.split()[1]]}"]
        if said := peer_words.report(line.split(), self.serials):
            return [said]
        return self._assumed(line) if self.lab else ["ERROR INVALID COMMAND"]

    def _assumed(self, line: str) -> list[str]:
        name = line.split()[1] if len(line.split()) > 1 else ""
        match line.upper().split():
            case ["BOX", "*", "UNIT", "SN"]:
                return [f"BOX {box} UNIT SN {serial}" for box, serial in self.serials.items()]
            case ["STACK", "NAME"]:
                return ["STACK NAME Boardroom"]
            case ["BOX", _, "PLINK", "LIST"]:
                rows = [f"BOX {name} PLINK {self.peripheral}"] if name == "Name_1" else []
                return [*rows, f"BOX {name} PLINK END"]
            case ["BOX", _, "UNIT", "LOCATE", *value]:
                if value:
                    self.values[f"{name} LOCATE"] = value[0]
                return [f"BOX {name} UNIT LOCATE {self.values.get(f'{name} LOCATE', '0')}"]
            case ["BOX", _, "UNIT", word] if word in self._facts(name):
                return [f"BOX {name} UNIT {word} {self._facts(name)[word]}"]
        return ["ERROR INVALID COMMAND"]

    def _facts(self, name: str) -> dict[str, str]:
        return {
            "MODEL": self.models.get(name, ""),
            "PART": "910-3200-009",
            "FW": self.firmware,
            "MAC": "00:90:79:00:00:01",
            "IP": "10.0.0.7",
            "TEMP": "41.5",
            "UPTIME": self.values.get("UPTIME", "1000"),
            "CPU": "12",
        }


def framed(line: str) -> bytes:
    return line.encode() + b" \r\n=> "
