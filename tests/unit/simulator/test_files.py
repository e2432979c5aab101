"""The file service and what becomes of a file: project and firmware (assumed.md), over real FTP."""

import asyncio
import contextlib
import io
import zipfile
from collections.abc import AsyncIterator

import aioftp
import pytest
from tests.unit.simulator.peers import NETWORK, Peer, StillClock, fact, logged_in, refused, vector_stack

from soundpost.simulator import Farm
from soundpost.simulator.station import Station

pytestmark = pytest.mark.slow

NAME = "Vectors-01"
PROJECT = f"/project/{NAME}.PCCP2X"


@pytest.fixture
async def ftp(station: Station, peer: Peer) -> AsyncIterator[aioftp.Client]:
    await peer.ask(b"BOX DSP1 UNIT FTP 1\r", b"BOX DSP1 UNIT FTP 1 \r\n=> ")
    client = await signed_in(station)
    yield client
    client.close()


async def signed_in(station: Station, password: str = "converge") -> aioftp.Client:
    assert station.ftp_port is not None
    client = aioftp.Client()
    await client.connect(station.endpoint[0], station.ftp_port)
    try:
        await client.login("clearone", password)
    except aioftp.StatusCodeError:
        client.close()
        raise
    return client


async def read(ftp: aioftp.Client, path: str) -> bytes:
    async with ftp.download_stream(path) as stream:
        return bytes(await stream.read())


async def put(ftp: aioftp.Client, path: str, content: bytes) -> None:
    async with ftp.upload_stream(path) as stream:
        await stream.write(content)


async def until(peer: Peer, end: bytes) -> list[bytes]:
    """The lines up to the one that ends so, without prompts and ends."""
    told = await peer.reader.readuntil(end + b" \r\n=> ")
    return [line.removeprefix(b"=> ").strip() for line in told.split(b"\r\n")][:-1]


async def test_it_is_there_only_while_it_is_on(farm: Farm, station: Station, peer: Peer) -> None:
    assert await peer.value("BOX DSP1 UNIT FTP") == "BOX DSP1 UNIT FTP 0"
    assert station.ftp_port is None
    async with logged_in(station.endpoint) as other:
        await peer.ask(b"BOX DSP1 UNIT FTP 1\r", b"BOX DSP1 UNIT FTP 1 \r\n=> ")
        await other.expect(b"BOX DSP1 UNIT FTP 1 \r\n=> ")
    assert station.ftp_port is not None
    where = (station.endpoint[0], station.ftp_port)
    (await signed_in(station)).close()
    await peer.ask(b"BOX DSP1 UNIT FTP 0\r", b"BOX DSP1 UNIT FTP 0 \r\n=> ")
    await fact(lambda: station.ftp_port is None)
    assert await refused(where)
    await peer.ask(b"BOX DSP1 UNIT FTP 1\r", b"BOX DSP1 UNIT FTP 1 \r\n=> ")
    await fact(lambda: station.ftp_port is not None)
    (await signed_in(station)).close()


async def test_the_plug_pulled_takes_it_along(farm: Farm, station: Station, ftp: aioftp.Client) -> None:
    assert station.ftp_port is not None
    where = (station.endpoint[0], station.ftp_port)
    await farm.fault(NAME, "refuse")
    await fact(lambda: station.ftp_port is None)
    assert await refused(where)


async def test_a_restart_turns_it_off(farm: Farm, station: Station, ftp: aioftp.Client, clock: StillClock) -> None:
    await farm.fault(NAME, "reboot", True, {"down_s": 1, "empty_s": 0})
    await clock.advance(1)
    await fact(lambda: station.ftp_port is None)
    async with logged_in(station.endpoint) as peer:
        assert await peer.value("BOX DSP1 UNIT FTP") == "BOX DSP1 UNIT FTP 0"


async def test_it_wants_the_credentials_of_now(farm: Farm, station: Station, ftp: aioftp.Client, peer: Peer) -> None:
    assert await peer.value("STACK USER clearone other") == "STACK USER clearone"
    with pytest.raises(aioftp.StatusCodeError):
        await signed_in(station)
    (await signed_in(station, "other")).close()
    await ftp.list("/")  # who is in stays in
    await farm.fault(NAME, "wrong_password")
    with pytest.raises(aioftp.StatusCodeError):
        await signed_in(station, "other")


async def test_folders_and_what_may_lie_in_them(station: Station, ftp: aioftp.Client) -> None:
    assert [(str(path), facts["type"]) for path, facts in await ftp.list("/")] == [
        ("/firmware", "dir"),
        ("/project", "dir"),
    ]
    assert [str(path) for path, _ in await ftp.list("/project")] == [PROJECT]
    await put(ftp, "/firmware/a_7.1.2.4.bin", b"abc")
    assert [str(path) for path, _ in await ftp.list("/firmware")] == ["/firmware/a_7.1.2.4.bin"]
    assert (await ftp.stat("/firmware/a_7.1.2.4.bin"))["size"] == "3"
    assert await read(ftp, "/firmware/a_7.1.2.4.bin") == b"abc"
    async with ftp.append_stream("/firmware/a_7.1.2.4.bin") as stream:
        await stream.write(b"def")
    await ftp.rename("/firmware/a_7.1.2.4.bin", "/firmware/b_7.1.2.4.bin")
    assert station.stack.files == {"/firmware/b_7.1.2.4.bin": b"abcdef"}
    async with ftp.upload_stream("/firmware/b_7.1.2.4.bin", offset=3) as stream:
        await stream.write(b"DEFG")
    async with ftp.download_stream("/firmware/b_7.1.2.4.bin", offset=2) as stream:
        assert await stream.read() == b"cDEFG"
    await ftp.remove_file("/firmware/b_7.1.2.4.bin")
    assert station.stack.files == {}
    with pytest.raises(aioftp.StatusCodeError):
        await ftp.make_directory("/else")
    await ftp.command("RETR /firmware/none", "550")
    await ftp.command("STOR /firmware/more/x", "550")
    with pytest.raises(aioftp.StatusCodeError):
        await ftp.remove_file(PROJECT)


async def test_a_project_goes_out_and_comes_back(
    station: Station, ftp: aioftp.Client, peer: Peer, clock: StillClock
) -> None:
    await peer.value("EP MIC 101 LEVEL GAIN -7")
    backup = await read(ftp, PROJECT)
    with zipfile.ZipFile(io.BytesIO(backup)) as archive:
        assert len(archive.namelist()) == 1
    await peer.value("EP MIC 101 LEVEL GAIN 3")
    await peer.value("EP MIC 102 LEVEL MUTE 1")
    await put(ftp, "/project/old.PCCP2X", backup)
    peer.send(b"STACK LOAD old.PCCP2X\r")
    assert await until(peer, b"LOAD 0") == [b"STACK NOTIFICATION LOAD 0"]
    await clock.advance(5)
    assert await until(peer, b"DONE") == [
        *(b"STACK NOTIFICATION LOAD %d" % percent for percent in (20, 40, 60, 80, 100)),
        b"STACK NOTIFICATION LOAD DONE",
    ]
    await clock.advance(1)
    assert await peer.gone() is ConnectionResetError
    await fact(lambda: station.restarting)
    await clock.advance(30)
    async with logged_in(station.endpoint) as again:
        assert await again.value("EP MIC 101 LEVEL GAIN") == "EP MIC 101 LEVEL GAIN -7.0"
        assert await again.value("EP MIC 102 LEVEL MUTE") == "EP MIC 102 LEVEL MUTE 0"


@pytest.mark.parametrize(
    ("path", "content", "command", "end"),
    [
        ("", b"", "STACK LOAD none", "STACK NOTIFICATION LOAD FAILED NO_FILE"),
        ("/project/x", b"no zip", "STACK LOAD x", "STACK NOTIFICATION LOAD FAILED BAD_FILE"),
        ("", b"", "BOX DSP1 UNIT UPDATE none", "BOX DSP1 NOTIFICATION UPDATE FAILED NO_FILE"),
        ("/firmware/x.bin", b"x", "BOX DSP1 UNIT UPDATE x.bin", "BOX DSP1 NOTIFICATION UPDATE FAILED BAD_FILE"),
        ("/firmware/x_7.1.2.4.bin", b"", "BOX DSP1 UNIT UPDATE x_7.1.2.4.bin", "BOX DSP1 NOTIFICATION UPDATE FAILED BAD_FILE"),
        ("", b"", "BOX DSP1 PLINK 2 UPDATE none", "BOX DSP1 NOTIFICATION UPDATE FAILED NO_FILE"),
        ("", b"", "BOX DSP1 PLINK 9 UPDATE none", "ERROR INVALID ARGUMENT"),
    ],
)  # fmt: skip
async def test_what_can_not_be_used_fails_at_once(
    ftp: aioftp.Client, peer: Peer, path: str, content: bytes, command: str, end: str
) -> None:
    if path:
        await put(ftp, path, content)
    assert await peer.value(command) == end


async def test_firmware_is_proved_by_the_version_read_back(
    station: Station, ftp: aioftp.Client, peer: Peer, clock: StillClock
) -> None:
    await put(ftp, "/firmware/cp2_7.1.2.4.bin", b"firmware")
    peer.send(b"BOX DSP1 UNIT UPDATE cp2_7.1.2.4.bin\r")
    assert await until(peer, b"UPDATE 0") == [b"BOX DSP1 NOTIFICATION UPDATE 0"]
    await clock.advance(5)
    assert (await until(peer, b"DONE"))[-2:] == [
        b"BOX DSP1 NOTIFICATION UPDATE 100",
        b"BOX DSP1 NOTIFICATION UPDATE DONE",
    ]
    await clock.advance(1)
    assert await peer.gone() is ConnectionResetError
    await fact(lambda: station.restarting)
    await clock.advance(30)
    async with logged_in(station.endpoint) as again:
        assert await again.value("BOX DSP1 UNIT FW") == "BOX DSP1 UNIT FW 7.1.2.4"
        assert await again.value("VERSION * FW 1") == "VERSION DSP1 FW 1 7.1.2.4"
        assert await again.value("BOX Name_2 UNIT FW") == "BOX Name_2 UNIT FW 7.0.0.1"


async def test_a_peripheral_restarts_alone(station: Station, ftp: aioftp.Client, peer: Peer, clock: StillClock) -> None:
    await put(ftp, "/firmware/usb_1.5.0.0.bin", b"firmware")
    peer.send(b"BOX DSP1 PLINK 2 UPDATE usb_1.5.0.0.bin\r")
    assert await until(peer, b"UPDATE 0") == [b"BOX DSP1 NOTIFICATION UPDATE 0"]
    await clock.advance(10)
    assert (await until(peer, b"1.5.0.0 1"))[-3:] == [
        b"BOX DSP1 NOTIFICATION UPDATE DONE",
        b"BOX DSP1 PLINK 2 USB_EXP USB_EXP_DSP1_02 3333-2311-40 1.5.0.0 0",
        b"BOX DSP1 PLINK 2 USB_EXP USB_EXP_DSP1_02 3333-2311-40 1.5.0.0 1",
    ]


async def test_a_broken_off_upload_leaves_what_came(station: Station, ftp: aioftp.Client) -> None:
    stream = await ftp.get_stream("STOR /firmware/half.bin", "1xx")
    await stream.write(b"half")
    stream.close()
    await fact(lambda: station.stack.files.get("/firmware/half.bin") == b"half")


async def test_strict_has_no_file_service(clock: StillClock) -> None:
    async with (
        Farm([vector_stack()], network=NETWORK, port=0, clock=clock, personality="strict") as farm,
        logged_in(farm.stacks[0].endpoint) as peer,
    ):
        for command in (
            "BOX DSP1 UNIT FTP 1",
            "STACK LOAD x",
            "BOX DSP1 UNIT UPDATE x",
            "STACK USER a b",
            "STACK TIME",
        ):
            assert (await peer.value(command)).startswith("ERROR")
        assert farm.stacks[0].ftp_port is None


async def test_ports_of_the_file_service() -> None:
    specs = [vector_stack("A"), vector_stack("B")]
    apart = Farm(specs, network="127.20.0.0/24", port=12_023)
    assert [station._ftp_port for station in apart.stacks] == [10_021, 10_021]
    shared = Farm(specs, network="127.0.0.1", port=12_023)
    assert [station._ftp_port for station in shared.stacks] == [0, 0]


async def test_a_taken_ftp_port_keeps_the_stack_going(clock: StillClock) -> None:
    async with Farm([vector_stack()], network=NETWORK, port=0, clock=clock) as first:
        busy = first.stacks[0].endpoint[1]
        async with Farm([vector_stack("B")], network="127.20.0.1", port=0, clock=clock) as second:
            station = second.stacks[0]
            station._ftp_port = busy
            async with logged_in(station.endpoint) as peer:
                assert await peer.value("BOX DSP1 UNIT FTP 1") == "BOX DSP1 UNIT FTP 1"
                assert station.ftp_port is None
                assert await peer.value("BOX DSP1 UNIT FTP 0") == "BOX DSP1 UNIT FTP 0"


# --- what goes wrong on the way

FILE = "/firmware/a_7.1.2.4.bin"
CONTENT = bytes(range(256)) * 40


async def test_only_the_file_service_refuses(farm: Farm, station: Station, ftp: aioftp.Client) -> None:
    await farm.fault(NAME, "ftp_refuse")
    with pytest.raises(aioftp.StatusCodeError):
        await signed_in(station)
    async with logged_in(station.endpoint):
        pass
    await farm.fault(NAME, "ftp_refuse", False)
    (await signed_in(station)).close()


@pytest.mark.parametrize("after", [0, 1, 1_000, 8_192, 9_000])
@pytest.mark.parametrize("quietly", [True, False])
async def test_a_file_breaks_off_at_the_byte(
    farm: Farm, station: Station, ftp: aioftp.Client, after: int, quietly: bool
) -> None:
    """Down and up; a loud end is an error of the service, a quiet one looks like the file's own."""
    await put(ftp, FILE, CONTENT)
    await farm.fault(NAME, "ftp_cut", True, {"after": after, "quietly": quietly})
    got = b""
    try:
        async with ftp.download_stream(FILE) as stream:
            async for block in stream.iter_by_block():
                got += block
    except aioftp.StatusCodeError:
        assert not quietly
    else:
        assert quietly
    assert got == CONTENT[:after]
    try:
        await put(ftp, FILE, CONTENT)
    except (aioftp.StatusCodeError, ConnectionError):
        assert not quietly
    else:
        assert quietly
    await fact(lambda: station.stack.files[FILE] == CONTENT[:after])
    await farm.fault(NAME, "ftp_cut", False)
    again = await signed_in(station)
    await put(again, FILE, CONTENT)
    assert await read(again, FILE) == CONTENT
    again.close()


async def test_a_stalled_file_goes_on_when_it_is_over(farm: Farm, station: Station, ftp: aioftp.Client) -> None:
    await put(ftp, FILE, CONTENT)
    await farm.fault(NAME, "ftp_stall", True, {"after": 5_000})
    async with ftp.download_stream(FILE) as stream:
        got = b""
        while len(got) < 5_000:
            got += await stream.read(5_000 - len(got))
        other = await signed_in(station)
        await other.list("/")  # others are served meanwhile
        other.close()
        rest = asyncio.create_task(stream.read())
        await asyncio.wait({rest}, timeout=0.05)
        assert not rest.done()
        await farm.fault(NAME, "ftp_stall", False)
        got += await rest
        while block := await stream.read():
            got += block
    assert got == CONTENT


async def test_a_stalled_file_holds_no_service_open(farm: Farm, station: Station, ftp: aioftp.Client) -> None:
    await put(ftp, FILE, CONTENT)
    await farm.fault(NAME, "ftp_stall", True, {"after": 0})
    stream = await ftp.get_stream(f"RETR {FILE}", "1xx")
    await farm.fault(NAME, "refuse")
    await fact(lambda: station.ftp_port is None)
    stream.close()
    with contextlib.suppress(ConnectionError):
        await stream.writer.wait_closed()


async def test_a_file_drips(farm: Farm, station: Station, ftp: aioftp.Client, clock: StillClock) -> None:
    await put(ftp, FILE, b"abcdef")
    await farm.fault(NAME, "ftp_drip", True, {"size": 2, "gap_s": 1.0})
    async with ftp.download_stream(FILE) as stream:
        for piece in (b"ab", b"cd", b"ef"):
            await fact(lambda: clock.sleepers == 1)
            await clock.advance(1)
            assert await stream.read(2) == piece


async def test_a_wrong_size_is_told_and_the_file_is_whole(farm: Farm, ftp: aioftp.Client) -> None:
    await put(ftp, FILE, CONTENT)
    await farm.fault(NAME, "ftp_size", True, {"off": -7})
    assert (await ftp.stat(FILE))["size"] == str(len(CONTENT) - 7)
    assert await read(ftp, FILE) == CONTENT
    await farm.fault(NAME, "ftp_size", False)
    assert (await ftp.stat(FILE))["size"] == str(len(CONTENT))
