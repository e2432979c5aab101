"""The far ends of the simulator's tests: a clock that stands still, and a telnet client that reads byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from tests.support.clock import ManualClock

from soundpost.simulator import BoxSpec, PeripheralSpec, StackSpec

PROMPT = b"=> "
NETWORK = "127.20.0.0/24"  # with port 0: nobody else's sockets are in the way


async def turn() -> None:
    """One turn of the event loop."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future


async def fact(condition: Callable[[], bool]) -> None:
    """Waits until it is true; the test's own time limit ends a wait for what never comes."""
    while not condition():
        await turn()


class StillClock(ManualClock):
    @property
    def sleepers(self) -> int:
        return sum(not timer.done() for _, _, timer in self._timers)


class Peer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def expect(self, data: bytes) -> None:
        """Exactly these bytes come next."""
        got = b""
        while got != data and data.startswith(got):
            byte = await self.reader.read(1)
            if not byte:
                break
            got += byte
        assert got == data

    async def ask(self, command: bytes, answer: bytes) -> None:
        self.send(command)
        await self.expect(answer)

    async def value(self, command: str) -> str:
        """The last line of the answer up to its prompt, without its end."""
        self.send(command.encode() + b"\r")
        reply = await self.reader.readuntil(PROMPT)
        return reply.removesuffix(PROMPT).decode().removesuffix(" \r\n")

    async def login(self, user: bytes = b"clearone", password: bytes = b"converge") -> None:
        await self.expect(b"Username: ")
        await self.ask(user + b"\r\n", b"Password: ")
        await self.ask(password + b"\r\n", b"\r\n=> ")

    async def gone(self) -> type[BaseException] | None:
        """Waits for the end: None for an orderly one, else the error's class."""
        try:
            while await self.reader.read(100):
                pass
        except OSError as error:
            return type(error)
        return None

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(endpoint: tuple[str, int]) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection(*endpoint)
    peer = Peer(reader, writer)
    try:
        yield peer
    finally:
        await peer.close()


@asynccontextmanager
async def logged_in(endpoint: tuple[str, int]) -> AsyncIterator[Peer]:
    async with connected(endpoint) as peer:
        await peer.login()
        yield peer


async def refused(endpoint: tuple[str, int]) -> bool:
    try:
        async with connected(endpoint):
            return False
    except ConnectionRefusedError:
        return True


# The stack of the test vectors (devices.md 14), with the channel names its clients use.
NAMES = {
    "MIC 101": "Mic1",
    "OUTPUT 101": "Out1",
    "PROC 101": "Proc1",
    "SGEN 101": "Sg1",
    "BFM 101": "Bfm1",
    "UA 101": "Voip1",
    "FADER 108": "SPKR_ZN_1",
}
BMA2 = PeripheralSpec("BMA2", "BMA2_DSP1_01", "2222-2310-40", "2.0.1.8")
USB = PeripheralSpec("USB_EXP", "USB_EXP_DSP1_02", "3333-2311-40", "1.4.7.0")


def vector_stack(name: str = "Vectors-01", box: str = "DSP1") -> StackSpec:
    first = BoxSpec(box, "128V", "1234-2334-40", "00:90:79:00:00:01", (BMA2, USB))
    second = BoxSpec("Name_2", "48T", "5678-2401-40", "00:90:79:00:00:02")
    return StackSpec(name, (first, second), channel_names=NAMES | {"TELCO_RX 201": "Telco1"})
