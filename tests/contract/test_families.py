"""One suite over every driver family there is, against every device that can play it (device.contract)."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from tests.contract.harness import GOOD, HARNESSES, QUICK, WAIT_S, WRONG, Harness, Recorder, give
from tests.contract.peer import Peer
from tests.support.clock import ManualClock, settle

from soundpost.device.capability import VERBS, CommandState
from soundpost.device.contract import Family, Session, Trouble
from soundpost.device.model import Endpoint, Support
from soundpost.kernel.clock import SystemClock
from soundpost.wire import tape

FAMILIES: dict[str, Family] = {entry.name: entry.load() for entry in entry_points(group="soundpost.drivers")}
CASES = [(family, role) for family, roles in HARNESSES.items() for role in roles]
CLOCK = SystemClock()


def cases(fits: Callable[[Harness], bool]) -> list[tuple[str, str]]:
    return [(family, role) for family, role in CASES if fits(HARNESSES[family][role]())]


async def started(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Family, Harness]]:
    family, role = request.param
    harness = HARNESSES[family][role]()
    await harness.start()
    yield FAMILIES[family], harness
    await harness.stop()


bench = pytest.fixture(params=CASES, ids=" ".join)(started)
"""Every family."""
signing = pytest.fixture(params=cases(lambda harness: harness.signs_in), ids=" ".join)(started)
"""Those whose devices ask for a sign-in."""
speaking = pytest.fixture(params=cases(lambda harness: harness.speaks), ids=" ".join)(started)
"""Those that hold a line and ask questions on it."""


class Held:
    """A session that runs while the block does."""

    def __init__(self, family: Family, harness: Harness) -> None:
        self.sink = Recorder()
        self.session: Session = family.session(harness.endpoint, [GOOD], self.sink, CLOCK, QUICK, 7)

    async def __aenter__(self) -> "Held":
        self._task = asyncio.ensure_future(self.session.run())
        await self.sink.until(lambda: "inventory" in self.sink.names())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        assert self._task.cancelled()

    @property
    def box(self) -> str:
        assert self.sink.unit is not None
        return next(part.part for part in self.sink.unit.parts if part.part.startswith("box:"))

    @property
    def serials(self) -> frozenset[str]:
        assert self.sink.unit is not None
        return self.sink.unit.serials


def test_every_family_has_harnesses() -> None:
    assert set(FAMILIES) == set(HARNESSES)
    for name, family in FAMILIES.items():
        assert family.name == name
        assert 0 < family.default_port < 65_536


@pytest.mark.parametrize("family", FAMILIES)
def test_quality_file_scores_every_row_and_every_assumption(family: str) -> None:
    module = importlib.import_module(f"soundpost.drivers.{family}")
    assumed = importlib.import_module(f"soundpost.drivers.{family}.assumed")
    folder = Path(str(module.__file__)).parent
    quality = yaml.safe_load((folder / "quality.yaml").read_text())
    for name, row in quality["rules"].items():
        assert row["status"] in ("done", "todo", "exempt"), name
        assert row["status"] == "done" or row.get("reason"), name
    assert set(quality["assumed"]) == set(assumed.ASSUMED)
    assert (folder / "README.md").exists()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize(
    "banner",
    [
        b"login: ",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\r\n\r\nUser Access Verification\r\n\r\nUsername: ",
        b"Version 4.4.0.2\r\n\r\nuser: ",
        b"\xff\xfe\x00" * 50,
    ],
)
async def test_other_banners_are_not_ours_and_get_no_password(family: Family, banner: bytes) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(banner)
        if b"user: " in banner or b"login" in banner or banner[:1] == b"\xff":
            writer.close()
        heard.set_result(await reader.read())
        writer.close()

    give([])
    server = await asyncio.start_server(other, "127.0.0.1", 0)
    endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    look = await family.look(endpoint, [GOOD], CLOCK, 2.0)
    assert not look.ours
    assert look.unit is None
    assert family.name == "collaborate_live" or await heard == b"", "one that is not even connected to hears nothing"
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
async def test_look_raises_when_nothing_answers(family: Family) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    give([Endpoint("127.0.0.1", port)])
    with pytest.raises(ConnectionRefusedError):
        await family.look(Endpoint("127.0.0.1", port), [GOOD], CLOCK, 2.0)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("prompts", [[b"Username: "], [b"Username: ", b"Password: "], []], ids=len)
async def test_a_look_at_what_talks_without_end_ends(family: Family, prompts: list[bytes]) -> None:
    """It says a line each 4 s, and nothing that was waited for."""
    clock, lines = ManualClock(), set[asyncio.StreamWriter]()

    async def talker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.add(writer)
        for prompt in prompts:
            writer.write(prompt)
            await reader.read(1024)
        await reader.read()
        lines.discard(writer)
        writer.close()

    server = await asyncio.start_server(talker, "127.0.0.1", 0)
    endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
    give([])
    look = asyncio.ensure_future(family.look(endpoint, [GOOD], clock, 2.0))
    began = clock.monotonic()
    while not look.done() and clock.monotonic() - began < 300.0:
        await settle(100)
        for writer in lines:
            writer.write(b"one moment please \r\n")
        await settle(100)
        await clock.advance(4.0)
    assert look.done(), "the whole sweep would wait for it"
    assert (await look).unit is None
    server.close()
    await server.wait_closed()


async def test_look_tells_a_refusal_from_a_line_that_broke() -> None:
    peer = Peer()
    await peer.start()
    endpoint = Endpoint("127.0.0.1", peer.port)
    peer.closes_after_failure = True
    look = await FAMILIES["converge_pro2"].look(endpoint, [WRONG], CLOCK, 2.0)
    assert (look.ours, look.refused, look.tried, look.hung_up) == (True, False, (), ("wrong",))
    assert look.problem
    look = await FAMILIES["converge_pro2"].look(endpoint, [WRONG, GOOD], CLOCK, 2.0)
    assert (look.credentials, look.tried, look.hung_up) == ("good", (), ("wrong",))
    await peer.stop()


async def test_look_tries_sets_in_order(signing: tuple[Family, Harness]) -> None:
    family, harness = signing
    look = await family.look(harness.endpoint, [WRONG, GOOD], CLOCK, 2.0)
    assert look.ours
    assert look.credentials == "good"
    assert look.unit is not None
    assert look.unit.parts[0].part == "stack"
    for part in look.unit.parts[1:]:
        parents = [other.part for other in look.unit.parts[: look.unit.parts.index(part)]]
        assert part.parent in parents


async def test_look_says_which_sets_were_refused(signing: tuple[Family, Harness]) -> None:
    family, harness = signing
    look = await family.look(harness.endpoint, [WRONG], CLOCK, 2.0)
    assert look.ours
    assert look.refused
    assert look.tried == ("wrong",)


async def test_readings_cover_every_descriptor(bench: tuple[Family, Harness]) -> None:
    family, harness = bench
    async with Held(family, harness) as held:
        unit = held.sink.unit
        assert unit is not None
        wanted = {(part.part, point.key): point for part in unit.parts for point in part.points}
        await held.sink.until(lambda: wanted.keys() <= held.sink.values.keys())
        for where, point in wanted.items():
            reading = held.sink.values[where]
            kinds = {"bool": bool, "number": (int, float), "string": str}[point.type]
            assert reading.unsupported or isinstance(reading.value, kinds)
            if point.key.startswith("unit.") and point.assumed and not harness.assumed:
                assert reading.unsupported
        groups = {(part.part, point.group) for part in unit.parts for point in part.points}
        answered = {(w[1], w[2]) for w in held.sink.told if w[0] == "covered"}
        polled = {
            g
            for g in groups
            if any(not held.sink.values[w].unsupported for w, p in wanted.items() if (w[0], p.group) == g)
        }
        await held.sink.until(lambda: polled <= {(w[1], w[2]) for w in held.sink.told if w[0] == "covered"} | answered)


async def test_assumed_functions_say_so(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    async with Held(family, harness) as held:
        assert held.sink.unit is not None
        box = next(part for part in held.sink.unit.parts if part.part == held.box)
        assert box.capabilities["control"] == Support.EVIDENCED
        assert box.capabilities["locate"] == (Support.ASSUMED if harness.locates else Support.UNSUPPORTED)
        assert box.capabilities["reboot"] in (Support.UNTRIED, Support.UNSUPPORTED)
        assert harness.signs_in is False or all(p.assumed for p in box.points if p.key.startswith("unit."))
        outcome = await held.session.perform(held.box, "locate", {"on": True}, held.serials)
        if harness.locates:
            assert outcome.state is CommandState.DONE
            assert outcome.assumed
            assert [(r.key, r.value) for r in outcome.readings] == [("unit.locate", True)]
        else:
            assert outcome.state is CommandState.UNSUPPORTED


async def test_a_write_is_confirmed_by_what_the_device_says(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    assert harness.control is not None
    key, value = harness.control
    async with Held(family, harness) as held:
        outcome = await held.session.perform(held.box, "control", {"key": key, "value": value}, held.serials)
        assert outcome.state is CommandState.DONE, outcome
        assert [(reading.key, reading.value) for reading in outcome.readings] == [(key, value)]
        await held.sink.until(lambda: getattr(held.sink.values.get((held.box, key)), "value", None) == value)


async def test_impossible_writes_are_refused_with_a_reason(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    async with Held(family, harness) as held:
        for arguments, code in harness.impossible:
            outcome = await held.session.perform(held.box, "control", arguments, held.serials)
            assert outcome.state is CommandState.REFUSED, arguments
            assert outcome.code == code, arguments
            assert outcome.text.endswith(".")


async def test_what_a_device_lacks_is_unsupported_not_failed(bench: tuple[Family, Harness]) -> None:
    family, harness = bench
    async with Held(family, harness) as held:
        assert held.sink.unit is not None
        box = next(part for part in held.sink.unit.parts if part.part == held.box)
        for verb in [name for name, word in box.capabilities.items() if word == Support.UNSUPPORTED and name in VERBS]:
            outcome = await held.session.perform(held.box, verb, {"confirm_assumed": True}, held.serials)
            assert outcome.state in (CommandState.UNSUPPORTED, CommandState.REFUSED), verb


async def test_the_transcript_is_a_tape_without_a_secret(bench: tuple[Family, Harness]) -> None:
    family, harness = bench
    async with Held(family, harness) as held:
        told = held.session.transcript()
        assert tape.parse(told)
        assert GOOD.password.encode() not in told


async def test_nothing_is_written_to_another_device(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    assert harness.control is not None
    key, value = harness.control
    async with Held(family, harness) as held:
        arguments = {"key": key, "value": value}
        outcome = await held.session.perform(held.box, "control", arguments, frozenset({"0000-0000-00"}))
        assert outcome.state is CommandState.FAILED
        assert outcome.code == "another_device"
        await held.sink.until(lambda: (held.box, key) in held.sink.values)
        assert held.sink.values[held.box, key].value != value


async def test_an_error_answer_is_told_in_the_devices_own_words(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    assert harness.control is not None
    key, value = harness.control
    async with Held(family, harness) as held:
        await held.sink.until(lambda: (held.box, key) in held.sink.values)
        await harness.error("ERROR TOO TIRED")
        await held.sink.until(lambda: any(t[0] is Trouble.ERROR_ANSWER for t in held.sink.troubles()))
        assert {t[1] for t in held.sink.troubles()} == {"ERROR TOO TIRED"}
        arguments = {"key": key, "value": value}
        outcome = await held.session.perform(held.box, "control", arguments, frozenset())
        assert outcome.state is CommandState.FAILED
        assert outcome.code == "error_answer"
        assert outcome.text == "ERROR TOO TIRED"
        await harness.error("")
        await held.sink.until(lambda: "recovered" in held.sink.names())


async def test_silence_is_told_and_so_is_its_end(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    async with Held(family, harness) as held:
        await harness.silence(True)
        await held.sink.until(lambda: len(held.sink.troubles()) >= 2)
        assert [(t[0], t[2]) for t in held.sink.troubles()[:2]] == [(Trouble.SILENT, 1), (Trouble.SILENT, 2)]
        await harness.silence(False)
        await held.sink.until(lambda: "recovered" in held.sink.names())


async def test_a_closed_line_is_told_and_opened_again(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    async with Held(family, harness) as held:
        held.sink.forget()
        await harness.drop()
        await held.sink.until(lambda: "inventory" in held.sink.names())
        assert [t[0] for t in held.sink.troubles()] == [Trouble.CLOSED]
        assert held.sink.names().index("trouble") < held.sink.names().index("connected")


async def test_what_is_pushed_between_command_and_reply_is_not_the_reply(speaking: tuple[Family, Harness]) -> None:
    family, harness = speaking
    assert harness.control is not None
    key, value = harness.control
    async with Held(family, harness) as held:
        await harness.chatter(True)
        arguments = {"key": key, "value": value}
        outcome = await held.session.perform(held.box, "control", arguments, held.serials)
        assert outcome.state is CommandState.DONE, outcome
        assert outcome.readings[0].value == value
        await held.sink.until(lambda: sum(name == "readings" for name in held.sink.names()) > 20)
        assert held.sink.troubles() == []


async def test_a_device_that_goes_away_is_told(bench: tuple[Family, Harness]) -> None:
    family, harness = bench
    async with Held(family, harness) as held:
        held.sink.forget()
        await harness.stop()
        await held.sink.until(lambda: any(t[0] is Trouble.REFUSED for t in held.sink.troubles()))
        assert all(trouble.line_down for trouble, _, _ in held.sink.troubles())


async def test_hands_off_frees_the_line_and_takes_it_back(bench: tuple[Family, Harness]) -> None:
    family, harness = bench
    async with Held(family, harness) as held:
        held.sink.forget()
        await held.session.hands_off(3_600)
        async with CLOCK.timeout(WAIT_S):
            while harness.connections():
                await asyncio.wait({asyncio.ensure_future(CLOCK.sleep(0.01))})
        await held.sink.until(lambda: bool(held.sink.troubles()))
        assert held.sink.troubles()[0][0] is Trouble.HANDS_OFF
        outcome = await held.session.perform(held.box, "refresh", {}, held.serials)
        assert outcome.code == "line_down"
        await held.session.hands_off(0)
        await held.sink.until(lambda: "inventory" in held.sink.names())


async def test_a_refused_sign_in_is_not_tried_again_until_it_changes(signing: tuple[Family, Harness]) -> None:
    family, harness = signing
    sink = Recorder()
    session = family.session(harness.endpoint, [WRONG], sink, CLOCK, QUICK, 7)
    task = asyncio.ensure_future(session.run())
    await sink.until(lambda: bool(sink.troubles()))
    assert [t[0] for t in sink.troubles()] == [Trouble.SIGN_IN_REFUSED]
    session.renew([WRONG, GOOD])
    await sink.until(lambda: "inventory" in sink.names())
    task.cancel()
    await asyncio.wait({task})


async def test_what_must_never_be_sent_never_is(bench: tuple[Family, Harness]) -> None:
    family, harness = bench
    async with Held(family, harness) as held:
        for verb in ("locate", "reboot", "refresh", "factory_default", "control"):
            await held.session.perform(held.box, verb, {"key": "mic.101.level.mute", "value": 2}, held.serials)
        assert harness.forbidden() == 0
