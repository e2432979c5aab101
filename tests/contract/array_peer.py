"""A scripted BMA 360D on loopback, written from devices.md 10.2 and 14.3 alone. Says nothing before it is asked."""

import asyncio
from collections.abc import Callable

HELP = [
    "BEAMREPORT",
    "BFZONE",
    "BREPORT",
    "DANTEIP",
    "DANTEMAC",
    "GAIN",
    "HELP",
    "LEDBRIGHT",
    "LEDCOLOR",
    "LOCATE",
    "MUTE",
]


class ArrayPeer:
    def __init__(self) -> None:
        self.mac = "00:1D:C1:00:00:01"
        self.zones = dict.fromkeys(range(1, 13), "1")
        self.help = HELP
        self.silent = False
        self.error = ""
        self.greeting = b""
        self.before_reply: list[str] = []
        self.lines: list[str] = []
        self.on_line: Callable[[str], None] = lambda line: None
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()

    def drop(self) -> None:
        for writer in self.writers:
            writer.close()
        self.writers.clear()

    def push(self, line: str) -> None:
        for writer in self.writers:
            writer.write(f"{line}\r\n".encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(self.greeting)
        try:
            while raw := await reader.readuntil(b"\n"):
                self._answer(raw.decode().strip(), writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            if writer in self.writers:
                self.writers.remove(writer)

    def _answer(self, line: str, writer: asyncio.StreamWriter) -> None:
        self.lines.append(line)
        self.on_line(line)
        if self.silent:
            return
        for reply in [*self.before_reply, *([self.error] if self.error else self.replies(line))]:
            writer.write(f"{reply}\r\n".encode())

    def replies(self, line: str) -> list[str]:
        match line.upper().split():
            case ["HELP"]:
                return self.help
            case ["BEAMREPORT"]:
                return ["BEAMREPORT 000000000101"]
            case ["BFZONE", beam, *value] if int(beam) in self.zones:
                if value:
                    self.zones[int(beam)] = value[0]
                return [f"BFZONE {beam} {self.zones[int(beam)]}"]
            case ["GAIN", channel, group]:
                return [f"GAIN {channel} {group} -6.0"]
            case ["DANTEIP"]:
                return ["DANTEIP 10.0.0.7"]
            case ["DANTEMAC"]:
                return [f"MACADDR {self.mac}"]
        return ["ERROR unknown command"]
