"""Watches one stack: what its session observes goes to the board, the judge and the facts.

The watch decides what counts as a change; it never speaks to the device and never waits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from soundpost.agent.board import Board, Shelf
from soundpost.agent.judge import Below, Line, PartState, Verdict, judge_line, judge_part, judge_peripheral
from soundpost.agent.memory import KnownDevice, save_device
from soundpost.agent.registry import Registry, merged
from soundpost.agent.spool import Spool
from soundpost.device.contract import Part, PointReading, Trouble, Unit
from soundpost.device.model import Device, Endpoint, Kind, Status
from soundpost.kernel.clock import Clock
from soundpost.link.events import DeviceFound, DeviceMoved, DeviceStatus

FORMER_KEPT = 10


@dataclass(frozen=True)
class Rooms:
    """What every watch shares."""

    clock: Clock
    board: Board
    spool: Spool
    registry: Registry
    misplaced: Callable[["Watch", Unit | None], None]
    """Another stack answers on this watch's line; its unit, if the watch was told."""
    offline: Callable[["Watch"], None]
    """The stack has just gone offline: it may answer elsewhere."""
    taken: Callable[[str, str], None]
    """A device of that stack (the first) is behind another line now."""


@dataclass(slots=True)
class Member:
    """One part of the stack: its record, its shelf, what was observed of it, and who hangs below."""

    known: KnownDevice
    shelf: Shelf
    state: PartState = field(default_factory=PartState)
    children: list[str] = field(default_factory=list)


class Watch:
    """Implements device.contract.Sink for one stack."""

    __slots__ = ("_rooms", "claims", "family", "id", "line", "observers", "parts")

    def __init__(self, rooms: Rooms, stack: KnownDevice) -> None:
        self._rooms = rooms
        self.id = stack.device.id
        self.family = stack.device.family
        self.line = Line()
        self.parts: dict[str, Member] = {}
        self.claims: dict[tuple[str, str], str] = {}
        """Part and point → command that writes it, or did a moment ago: its echoes are ours."""
        self.observers: list[Callable[[], None]] = []
        """Told when a group was read; for commands that wait to be settled by it."""
        for known in rooms.registry.members(self.id) or [stack]:
            self._place(known)
        self._hang()

    # --- what is known of it

    @property
    def endpoint(self) -> Endpoint:
        device = self.parts["stack"].known.device
        return Endpoint(device.address, device.port)

    @property
    def serials(self) -> frozenset[str]:
        return frozenset(self.parts["stack"].known.device.boxes)

    def serials_of(self, part: str) -> frozenset[str]:
        """What a write to that part must find behind the line: the box's own serial, for a peripheral its box's, for the
        stack any of its boxes'. Empty while none is known (provisional)."""
        member = self.parts.get(part)
        while member is not None and part != "stack":
            device = member.known.device
            if part.startswith("box:"):
                return frozenset({device.serial_number} - {""}) or self.serials
            part = next((word for word, m in self.parts.items() if m.known.device.id == device.parent), "stack")
            member = self.parts.get(part)
        return self.serials

    @property
    def status(self) -> DeviceStatus | None:
        return self.parts["stack"].known.status

    def part_of(self, key: str) -> str | None:
        for word, member in self.parts.items():
            if member.known.device.id == key:
                return word
        return None

    # --- the sink

    def connected(self) -> None:
        self.line.connected()
        for member in self.parts.values():
            member.state.recovered()
        self._judge()

    def inventory(self, unit: Unit) -> None:
        ours = self.serials
        if ours and unit.serials and not ours & unit.serials:
            self.line.note(Trouble.NOT_THE_DEVICE, f"serial {', '.join(sorted(unit.serials))}", 1)
            self._judge()
            self._rooms.misplaced(self, unit)
            return
        self.take(unit, self.endpoint)
        self._judge()

    def readings(self, part: str, readings: Sequence[PointReading]) -> None:
        member = self.parts.get(part)
        if member is None:
            return
        now_ms = self._rooms.clock.now_ms()
        if not self.claims:
            self._rooms.board.observe(member.shelf, readings, now_ms)
            return
        for reading in readings:
            self._rooms.board.observe(member.shelf, (reading,), now_ms, self.claims.get((part, reading.key), ""))

    def covered(self, part: str, group: str) -> None:
        member = self.parts.get(part)
        if member is not None:
            self._rooms.board.covered(member.shelf, group, self._rooms.clock.now_ms())
            for observer in tuple(self.observers):
                observer()

    def presence(self, part: str, present: bool) -> None:
        member = self.parts.get(part)
        if member is not None and member.state.present != present:
            member.state.present = present
            self._judge()

    def trouble(self, trouble: Trouble, text: str, failures: int, part: str = "") -> None:
        member = self.parts.get(part)
        if member is not None and part != "stack" and not trouble.line_down:
            member.state.note(trouble, text, failures)
        else:
            self.line.note(trouble, text, failures)
        self._judge()
        if trouble is Trouble.NOT_THE_DEVICE:
            self._rooms.misplaced(self, None)

    def recovered(self, part: str = "") -> None:
        member = self.parts.get(part)
        if member is not None and part != "stack":
            member.state.recovered()
        else:
            self.line.recovered()
        self._judge()

    # --- inventory

    def take(self, unit: Unit, endpoint: Endpoint, credentials: str = "") -> None:
        """Everything behind the line as read now: new devices and changed records become facts."""
        ids = {"stack": self.id}
        for part in unit.parts:
            key = self.id if part.kind == Kind.STACK else self._rooms.registry.part_id(self.family, part, self.id)
            ids[part.part] = key
            self._take_part(part, key, ids, unit, endpoint, credentials)
        self._leave({part.part for part in unit.parts})
        self._hang()

    def _take_part(
        self, part: Part, key: str, ids: dict[str, str], unit: Unit, endpoint: Endpoint, credentials: str
    ) -> None:
        rooms = self._rooms
        before = rooms.registry.known.get(key)
        start = before.device if before else self._new(part, key, unit)
        device, changed = merged(start, part)
        device, more = _placed(device, part, self.id, ids, unit, endpoint, credentials)
        changed += more
        points = rooms.board.schema(part.points).descriptors
        memory = unit.memory if part.kind == Kind.STACK else b""
        same = before is not None and (before.points is points or before.points == points) and before.memory == memory
        if before is not None and not changed and same and part.part in self.parts:
            self.parts[part.part].state.present = part.present
            return
        revision = start.revision + 1 if before and changed else start.revision
        if device.revision != revision:
            device = msgspec.structs.replace(device, revision=revision)
        status = before.status if before else None
        known = KnownDevice(device=device, part=part.part, points=points, status=status, memory=memory)
        rooms.registry.keep(known)
        if before is not None and before.device.stack not in ("", device.stack):
            rooms.taken(before.device.stack, key)
        if before is None or changed:
            kind = "device.changed" if before else "device.found"
            body = DeviceFound(device, changed if before else [])
            rooms.spool.note(kind, body, device.id, device.generation, save_device(known))
        else:
            rooms.spool.note_record(save_device(known))
        self._place(known).state.present = part.present

    def _new(self, part: Part, key: str, unit: Unit) -> Device:
        registry = self._rooms.registry
        return Device(
            id=key,
            kind=str(Kind(part.kind)),
            family=self.family,
            generation=registry.generation(self.family, part, unit),
            revision=registry.revision(key) + 1,
            first_seen_ms=self._rooms.clock.now_ms(),
        )

    def _place(self, known: KnownDevice) -> Member:
        """A part that got its serial has another word now: its old entry goes, what was observed of it stays."""
        shelf = self._rooms.board.declare(known.device, known.points)
        shelf.status = known.status
        old = next((word for word, m in self.parts.items() if m.known.device.id == known.device.id), None)
        member = self.parts.pop(old) if old is not None else Member(known, shelf)
        member.known, member.shelf = known, shelf
        self.parts[known.part] = member
        return member

    def _leave(self, words: set[str]) -> None:
        for word, member in self.parts.items():
            if word not in words:
                member.state.present = False

    def gave_up(self, key: str) -> None:
        """Another stack has that device now: whether it is there, and how it is, are no longer ours to say."""
        word = self.part_of(key)
        if word is not None and word != "stack":
            del self.parts[word]
            self._hang()
            self._judge()

    def _hang(self) -> None:
        """Children by parent; a part without one hangs from the stack."""
        by_id = {member.known.device.id: word for word, member in self.parts.items()}
        for member in self.parts.values():
            member.children = []
        for word, member in self.parts.items():
            if word != "stack":
                parent = by_id.get(member.known.device.parent, "stack")
                self.parts[parent if parent in self.parts else "stack"].children.append(word)

    def moved(self, endpoint: Endpoint) -> None:
        """The same serials answer at another address: told, and the former one kept (never merged silently)."""
        before = self.endpoint
        if before == endpoint:
            return
        for member in list(self.parts.values()):
            device = member.known.device
            if device.address != before.address:
                continue
            former = [before.address, *(a for a in device.former_addresses if a != before.address)][:FORMER_KEPT]
            if before.address == endpoint.address:
                former = device.former_addresses
            device = msgspec.structs.replace(
                device, address=endpoint.address, port=endpoint.port,
                former_addresses=former, revision=device.revision + 1,
            )  # fmt: skip
            self._record_move(member, device, DeviceMoved(str(before), str(endpoint)))

    def _record_move(self, member: Member, device: Device, moved: DeviceMoved) -> None:
        rooms = self._rooms
        member.known = msgspec.structs.replace(member.known, device=device)
        rooms.registry.keep(member.known)
        if device.kind == Kind.STACK:
            rooms.spool.note("device.moved", moved, device.id, device.generation)
        body = DeviceFound(device, ["address"])
        rooms.spool.note("device.changed", body, device.id, device.generation, save_device(member.known))
        rooms.board.declare(device, member.known.points)

    def renamed(self) -> None:
        """Ids were replaced by a hub's: takes the records anew."""
        self.parts = {}
        for known in self._rooms.registry.members(self.id):
            self._place(known)
        self._hang()

    # --- whose change it is

    def claim(self, part: str, command: str, key: str) -> None:
        """Readings of that point come from our own command until `release`. "" = none: a command that writes no point claims
        nothing, however long it takes."""
        if key:
            self.claims[part, key] = command

    def release(self, command: str) -> None:
        for place in [place for place, owner in self.claims.items() if owner == command]:
            del self.claims[place]

    # --- status

    def _judge(self) -> None:
        """Leaves first, so that a parent is judged by what is true of its children now."""
        verdicts: dict[str, Verdict] = {}
        self._judge_below("stack", verdicts)
        for word, verdict in verdicts.items():
            self._decide(self.parts[word], verdict)

    def _judge_below(self, word: str, verdicts: dict[str, Verdict]) -> Verdict:
        member = self.parts[word]
        below = []
        for child in member.children:
            verdict = self._judge_below(child, verdicts)
            name = self.parts[child].known.device.name or child
            below.append(Below(name, verdict, not child.startswith("box:")))
        if word == "stack" or word.startswith("box:"):
            verdict = judge_part(self.line, member.state, tuple(below))
        else:
            verdict = judge_peripheral(self.line, member.state)
        verdicts[word] = verdict
        return verdict

    def _decide(self, member: Member, verdict: Verdict) -> None:
        """A fact when status or the reason's code changed; other words for the same reason are no news."""
        last = member.known.status
        status = verdict.status or (Status(last.status) if last else None)
        if status is None:
            return
        code = verdict.reason.code if verdict.reason else ""
        kept = last is not None and last.status == str(status)
        if verdict.status is None and verdict.reason is None:
            return
        if kept and last is not None and (last.reason.code if last.reason else "") == code:
            return
        now = self._rooms.clock.now_ms()
        since = last.since_ms if kept and last is not None else now
        news = DeviceStatus(str(status), since, verdict.reason)
        member.known = msgspec.structs.replace(member.known, status=news)
        self._rooms.registry.known[member.known.device.id] = member.known
        device = member.known.device
        self._rooms.spool.note("device.status", news, device.id, device.generation, save_device(member.known))
        self._rooms.board.tell_status(member.shelf, news)
        if device.id == self.id and status is Status.OFFLINE and not kept:
            self._rooms.offline(self)

    @property
    def well(self) -> bool:
        return judge_line(self.line).status is Status.ONLINE


def _placed(
    device: Device, part: Part, stack: str, ids: dict[str, str], unit: Unit, endpoint: Endpoint, credentials: str
) -> tuple[Device, list[str]]:
    """Where the part stands: its stack, its parent, its address, and for a stack its boxes."""
    is_stack = part.kind == Kind.STACK
    peripheral = not is_stack and part.parent not in ("", "stack")
    news: dict[str, object] = {
        "stack": "" if is_stack else stack,
        "parent": "" if is_stack else ids.get(part.parent, stack),
    }
    if not peripheral:
        news["address"] = part.address or (endpoint.address if is_stack or not device.address else device.address)
        news["port"] = endpoint.port
    if is_stack and unit.serials:
        news["boxes"] = sorted(unit.serials)
    if credentials:
        news["credential_set"] = credentials
    changed = {name: value for name, value in news.items() if getattr(device, name) != value}
    if not changed:
        return device, []
    return msgspec.structs.replace(device, **changed), list(changed)
