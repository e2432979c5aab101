"""What a reply means for this stack: which part, which point, which value; and when everything must be read anew."""

from collections.abc import Iterable

from soundpost.device.contract import PointReading
from soundpost.device.model import Value
from soundpost.drivers.converge_pro2 import assumed, replies, telephone
from soundpost.drivers.converge_pro2.points import STACK_FIRMWARE, UNIT_BY_WORD, Address, Points, beams
from soundpost.drivers.converge_pro2.reading import BoxRead, StackRead
from soundpost.drivers.converge_pro2.table import ENDS
from soundpost.drivers.converge_pro2.unit import STACK, gate_points, peripheral_part, points_of
from soundpost.transport.talk import Heard

TOLD_BY = {"HOOK": "HOOK", "CALLER_ID": "CALLER_ID", "INCOMING_CALL": "DIRECTION"}
"""What a notification of an analog line is about, in the words of the question it answers."""

DIALS = ("STATE_CHANGE", "INDICATION")
"""Notifications that tell how a dialer's calls stand."""


class Hearing:
    __slots__ = (
        "_by_number", "_complaints", "_dialers", "_gated", "_named", "_peripherals", "_registered", "arrays", "boxes", "by_name",
        "stack",
    )  # fmt: skip

    def __init__(self) -> None:
        self._registered: dict[int, bool] = {}
        self._complaints: dict[tuple[str, int], tuple[str, str]] = {}
        self.take(StackRead(""))

    def new_line(self) -> None:
        """What was only pushed may have changed while nobody listened."""
        self._registered = {}

    def take(self, stack: StackRead) -> None:
        """From now on these are the parts."""
        self.stack = stack
        self.boxes = {box.part: box for box in stack.boxes}
        self.by_name = {box.name: box for box in stack.boxes if box.name}
        self._by_number: dict[int, tuple[str, Points]] = {box.number: (box.part, points_of(box)) for box in stack.boxes}
        self._named = {box.name: (box, box.part) for box in stack.boxes if box.name}
        self._gated = {box.name: (box.part, gate_points(box)) for box in stack.boxes if box.name}
        self._dialers: dict[int, telephone.Dialer] = {}
        self._peripherals = {
            (box.name, row.position): (peripheral_part(row), row.serial)
            for box in stack.boxes
            for row in box.peripherals
        }
        self.arrays = dict(_arrays(stack.boxes)) if assumed.on("beam_numbers") else {}

    @property
    def points(self) -> Iterable[Points]:
        """Of each box."""
        return (points for _, points in self._by_number.values())

    def find(self, part: str, key: str) -> Address | None:
        box = self.boxes.get(part)
        return points_of(box).by_key.get(key) if box else None

    def understood(self, reply: replies.Reply, pushed: bool) -> Heard:
        match reply:
            case replies.EpValue():
                return self._value(reply, pushed)
            case replies.EpNotification():
                return self._notified(reply)
            case replies.BoxValue(box=name, word=word, value=value):
                return self._box_value(name, word, value, pushed)
            case replies.BoxPlink():
                return self.presence((reply,)) if assumed.on("plink_change") else Heard()
            case replies.StackNotification(kind=replies.Notice.HW_RESYNC):
                return Heard(anew=True)
            case replies.Version(value=value):
                read = PointReading(STACK_FIRMWARE.key, value, pushed=pushed)
                return Heard([(STACK, read)] if value else [], anew=value != self.stack.version)
            case replies.Gates():
                return self._gates(reply, pushed)
            case replies.Beams():
                return self._beams(reply, pushed)
        return Heard()

    # Telephones

    def registrations(self) -> Iterable[tuple[str, PointReading]]:
        """Whether each dialer is registered, as far as it told on this line: no question for it is known."""
        for box in self.stack.boxes:
            for ept, channel in box.end_points:
                address = self._registration(ept, box.number * 100 + channel) if ept == "UA" else None
                if address is not None:
                    told = self._registered.get(address.number)
                    error = "" if told is not None else "not told yet, and no question for it is known"
                    yield box.part, PointReading(address.key, told, error, unsupported=told is None)

    def _registration(self, ept: str, number: int) -> Address | None:
        _, points = self._by_number.get(number // 100, ("", None))
        return points.by_words.get((ept, number, "NOTIFICATION", "REGISTERED")) if points else None

    def hush(self, ept: str, number: int) -> None:
        """What that telephone complained of so far is not about what comes now."""
        self._complaints.pop((ept, number), None)

    def complaint(self, ept: str, number: int, calls: bool) -> str:
        """What it has complained of since, in its words. That no more calls fit concerns only an act that `calls`."""
        kind, text = self._complaints.get((ept, number), ("", ""))
        return telephone.complaint(kind, text) if kind == "ERROR" or (kind and calls) else ""

    # End points

    def _value(self, reply: replies.EpValue, pushed: bool) -> Heard:
        if reply.channel:
            return self._somewhere(reply.block, reply.parameter) if pushed else Heard()
        part, points = self._by_number.get(reply.number // 100, ("", None))
        address = (
            points.by_words.get((reply.type.value, reply.number, reply.block, reply.parameter)) if points else None
        )
        read = address.row.read(reply.value) if address else None
        if address is None or points is None or read is None:
            return Heard()
        if address.row.parameter == "ACTIVE_PARTIES":
            self._dialer(reply.number).listed(telephone.parties(reply.value))
            return self._calls(part, points, reply.number, pushed)
        return Heard([(part, PointReading(address.key, read, pushed=pushed))])

    def _somewhere(self, block: str, parameter: str) -> Heard:
        """Of a channel that is named: which one has that name is not known, so all that may be meant are asked."""
        end = ENDS.get((block, parameter))
        return Heard(due=(end,) if end else ())

    def _dialer(self, number: int) -> telephone.Dialer:
        return self._dialers.setdefault(number, telephone.Dialer())

    def _calls(self, part: str, points: Points, number: int, pushed: bool) -> Heard:
        heard = Heard()
        for parameter, value in self._dialer(number).values().items():
            key = f"ua.{number}.inquire.{parameter}".lower()
            if key in points.by_key:
                heard.readings.append((part, PointReading(key, value, pushed=pushed)))
        return heard

    def _notified(self, reply: replies.EpNotification) -> Heard:
        if reply.channel and reply.kind in DIALS:
            return self._somewhere("INQUIRE_RESULT", "ACTIVE_PARTIES")
        if reply.channel:
            return self._somewhere("INQUIRE", TOLD_BY.get(reply.kind, ""))
        part, points = self._by_number.get(reply.number // 100, ("", None))
        if points is None or not part:
            return Heard()
        if reply.type is replies.EndPoint.TELCO_RX and reply.kind in TOLD_BY:
            address = points.by_words.get(("TELCO_RX", reply.number, "INQUIRE", TOLD_BY[reply.kind]))
            read = address.row.read(reply.text) if address else None
            return Heard([(part, PointReading(address.key, read, pushed=True))] if address and read is not None else [])
        if reply.type is replies.EndPoint.UA and reply.kind in DIALS:
            told = [party for party in telephone.parties(reply.text) if party.state]
            for party in told:
                self._dialer(reply.number).changed(party)
            return self._calls(part, points, reply.number, pushed=True) if told else Heard()
        if reply.kind in telephone.COMPLAINTS:
            self._complaints[reply.type.value, reply.number] = (reply.kind, reply.text)
        address = self._registration(reply.type.value, reply.number)
        registered = address.row.read(reply.kind) if address else None
        if address is None or not isinstance(registered, bool):
            return Heard()
        self._registered[reply.number] = registered
        return Heard([(part, PointReading(address.key, registered, pushed=True))])

    # Boxes and peripherals

    def _box_value(self, name: str, word: str, value: str, pushed: bool) -> Heard:
        (box, part), point = self._named.get(name, (None, "")), UNIT_BY_WORD.get(word)
        read: Value | None = point.read(value) if point else None
        if box is None or point is None or read is None:
            return Heard()
        changed = word == "FW" and value != box.facts.get("FW")
        return Heard([(part, PointReading(point.key, read, pushed=pushed))], anew=changed)

    def presence(self, rows: Iterable[replies.BoxPlink]) -> Heard:
        """A peripheral never seen before, or another one in its place, means the unit is to be read anew."""
        heard = Heard()
        for row in rows:
            part, serial = self._peripherals.get((row.box, row.position), ("", ""))
            if serial != row.serial:
                heard.anew = True
            else:
                heard.presence.append((part, row.present))
        return heard

    def _gates(self, reply: replies.Gates, pushed: bool) -> Heard:
        part, gates = self._gated.get(reply.box, ("", ()))
        told = zip(gates, reply.open, strict=False)
        return Heard([(part, PointReading(point.key, gate, pushed=pushed)) for point, gate in told])

    def _beams(self, reply: replies.Beams, pushed: bool) -> Heard:
        return Heard(
            [
                (self.arrays[array], PointReading(point.key, active, pushed=pushed))
                for array, told in reply.arrays.items()
                if array in self.arrays
                for point, active in zip(beams(array), told, strict=False)
            ]
        )


def _arrays(boxes: Iterable[BoxRead]) -> Iterable[tuple[str, str]]:
    for box in boxes:
        for array, row in box.arrays():
            yield array, peripheral_part(row)
