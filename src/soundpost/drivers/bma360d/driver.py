"""One BMA 360D on its control address as a conversation."""

from collections.abc import Mapping, Sequence

from soundpost.device.capability import CommandState
from soundpost.device.contract import Outcome, Part, PointReading, Trouble, Unit
from soundpost.device.model import Kind, Support
from soundpost.drivers.bma360d import assumed, points, replies, words
from soundpost.drivers.bma360d.points import MIC, ZONES
from soundpost.transport.line import Ask, ErrorAnswer, LineLost, Silence
from soundpost.transport.talk import Heard, Poll
from soundpost.wire.dialogue import Request, reading, writing

MODEL = "BMA 360D"


class Conversation:
    """Implements transport.talk.Talk."""

    is_error = staticmethod(replies.is_error)
    line_end = b"\r\n"

    def __init__(self) -> None:
        self._mac = ""

    def signs_in(self) -> bool:
        return False

    def prompt_first(self) -> bool:
        return False

    async def identify(self, ask: Ask) -> Unit:
        """No command for a serial number is known, so the unit is provisional; its MAC tells another one apart."""
        told = replies.parse((await ask(points.MACADDR))[-1])
        mac = told.value if isinstance(told, replies.Told) else ""
        if self._mac and mac != self._mac:
            raise _another(mac)
        self._mac = mac
        return unit(mac)

    def forget(self) -> None:
        """Nothing is kept of what it refused."""

    def polls(self) -> Sequence[Poll]:
        return list(points.polls())

    def known(self) -> Heard:
        return Heard()

    def heartbeats(self) -> Sequence[Request]:
        return [points.MACADDR, reading(words.beams())]

    def alive(self, answer: list[str]) -> Heard:
        told = replies.parse(answer[-1])
        if isinstance(told, replies.Told) and told.fact is replies.Fact.MACADDR and self._mac not in ("", told.value):
            raise _another(told.value)
        heard = understood(told, pushed=False)
        heard.garbage = "" if heard.readings else answer[-1]
        return heard

    def answered(self, poll: Poll, answer: list[str]) -> Heard:
        heard = understood(replies.parse(answer[-1]), pushed=False)
        heard.garbage = "" if heard.readings else answer[-1]
        return heard

    def heard(self, text: str) -> Heard:
        reply = replies.parse(text)
        return Heard(garbage=text) if isinstance(reply, replies.Unknown) else understood(reply, pushed=True)

    async def perform(
        self, ask: Ask, part: str, verb: str, arguments: Mapping[str, object], serials: frozenset[str]
    ) -> Outcome:
        if verb != "control":
            return Outcome(CommandState.UNSUPPORTED, "unsupported", f"This device has no function {verb}.")
        key, value = str(arguments.get("key")), arguments.get("value")
        known = {point.key: point for point in points.descriptors()} if part == MIC else {}
        if key not in known:
            return _refused("unknown_point", f"This device has no point {key}.")
        if not known[key].writable:
            return _refused("not_writable", f"{known[key].label} can only be read.")
        if not isinstance(value, bool):
            return _refused("wrong_type", f"{known[key].label} takes true or false.")
        if wrong := await self._proved(ask, serials):
            return wrong
        return await _write(ask, int(key.rpartition(".")[2]), value)

    async def _proved(self, ask: Ask, serials: frozenset[str]) -> Outcome | None:
        told = replies.parse((await ask(points.MACADDR))[-1])
        mac = told.value if isinstance(told, replies.Told) else ""
        if not serials and (mac == self._mac or not assumed.on("mac_proves")):
            return None
        said = f"Another device answers here: its Dante MAC is {mac or 'not told'}, and it tells no serial number."
        return Outcome(CommandState.FAILED, "another_device", said)


async def _write(ask: Ask, beam: int, on: bool) -> Outcome:
    """Done when the device says so, in its reply or when asked."""
    try:
        answer = await ask(writing(words.write_zone(beam, on)))
        told = replies.parse(answer[-1])
        if told != replies.Zone(beam, on):
            told = replies.parse((await ask(reading(words.zone(beam))))[-1])
    except ErrorAnswer as error:
        return Outcome(CommandState.FAILED, "error_answer", error.text)
    except (Silence, LineLost) as lost:
        said = f"It was sent, but nothing confirms it: {lost.text}."
        return Outcome(CommandState.UNCERTAIN, lost.code, said)
    readings = tuple(read for _, read in understood(told, pushed=False).readings)
    if told == replies.Zone(beam, on):
        return Outcome(CommandState.DONE, readings=readings)
    return Outcome(CommandState.FAILED, "not_taken", "The device kept another value.", readings)


def understood(reply: replies.Reply, pushed: bool) -> Heard:
    match reply:
        case replies.Beams(active=active):
            told = zip(points.BEAMS, active, strict=True)
            return Heard([(MIC, PointReading(point.key, on, pushed=pushed)) for point, on in told])
        case replies.Zone(beam=beam, on=on):
            return Heard([(MIC, PointReading(ZONES[beam - 1].key, on, pushed=pushed))])
        case replies.Gain(channel=channel, group=group, decibels=decibels) if (channel, group) in points.GAINS:
            return Heard([(MIC, PointReading(points.GAINS[channel, group].key, decibels, pushed=pushed))])
        case replies.Told(fact=fact, value=value):
            key = points.ADDRESS.key if fact is replies.Fact.DANTEIP else points.MAC_POINT.key
            return Heard([(MIC, PointReading(key, value, pushed=pushed))])
    return Heard()


def unit(mac: str) -> Unit:
    always: dict[str, str] = {"refresh": Support.EVIDENCED, "hands_off": Support.EVIDENCED}
    here = always | {"control": Support.EVIDENCED, "locate": Support.UNSUPPORTED, "reboot": Support.UNSUPPORTED}
    stack = Part(part="stack", kind=Kind.STACK, name=MODEL, capabilities=always)
    box = Part(
        part=MIC,
        kind=Kind.MICROPHONE,
        parent="stack",
        name=MODEL,
        model=MODEL,
        mac=mac,
        capabilities=here,
        assumed=["model"],
        points=points.descriptors(),
    )
    return Unit([stack, box])


def _another(mac: str) -> LineLost:
    return LineLost(Trouble.NOT_THE_DEVICE, f"another device answers here: its Dante MAC is {mac or 'not told'}")


def _refused(code: str, text: str) -> Outcome:
    return Outcome(CommandState.REFUSED, code, text)
