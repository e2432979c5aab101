"""The values lane of one reader: what changed since it was sent, coalesced; while apart, what goes to the hold instead.

Called by the board for every change, so it only marks places here; Change structs are made when a frame is built.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence

from soundpost.agent.board import Board, Listener, Schema, Shelf
from soundpost.agent.hold import HeldValue, Hold, Kept
from soundpost.device.model import Identity
from soundpost.link.envelope import CHANGES_PER_FRAME, Change, Declare, Message, Read, ScanState, Values
from soundpost.link.envelope import Schema as SchemaMessage

Sent = tuple[Shelf, Schema, Change]
_Declared = tuple[str, Identity, int, Schema]


class ValueLane(Listener):
    """`live` between `begin` and `end`. `wake` is set when there is something to send."""

    def __init__(self, board: Board, hold: Hold | None) -> None:
        self._board, self.hold = board, hold
        self.live = False
        self.wake = asyncio.Event()
        self.hurry = asyncio.Event()
        """Set when somebody changed something, here or at the device: that is waited for, a drifting temperature is not."""
        self.scan_changed = False
        self._refs: dict[Shelf, int] = {}
        self._count = 0
        self._declared: dict[Shelf, _Declared] = {}
        self._schemas: dict[Schema, int] = {}
        self._undeclared: dict[Shelf, None] = {}
        self._dirty: dict[Shelf, set[int]] = {}
        self._reads: dict[tuple[Shelf, int], None] = {}
        self._snapshot: deque[tuple[Shelf, int]] = deque()
        self._flights: dict[int, list[Sent]] = {}

    # --- the board's listener

    def changed(self, shelf: Shelf, places: Sequence[int]) -> None:
        if self.live:
            waiting = self._dirty.get(shelf)
            if waiting is None:
                self._dirty[shelf] = set(places)
            else:
                waiting.update(places)
            self.wake.set()
            if shelf.origins and any(shelf.origins[place] for place in places):
                self.hurry.set()
        elif self.hold is not None:
            for place in places:
                self.hold.add(_held(shelf, shelf.schema, shelf.change(0, place)))

    def read(self, shelf: Shelf, group: int) -> None:
        if self.live:
            self._reads[shelf, group] = None

    def declared(self, shelf: Shelf) -> None:
        if self.live:
            self._undeclared[shelf] = None
            self.wake.set()

    def gone(self, shelf: Shelf) -> None:
        self._undeclared.pop(shelf, None)
        self._dirty.pop(shelf, None)
        for group in range(len(shelf.read_ms)):
            self._reads.pop((shelf, group), None)

    def scan(self, state: ScanState) -> None:
        self.scan_changed = True

    # --- a connection

    async def begin(self, snapshot: bool) -> None:
        """After Welcome: everything is declared anew; what was held goes first, then the snapshot if one is due."""
        self.live = True
        self._refs, self._declared, self._schemas, self._count = {}, {}, {}, 0
        self._dirty, self._flights = {}, {}
        shelves = list(self._board.shelves.values())
        self._undeclared = dict.fromkeys(shelves)
        self._reads = {
            (shelf, group): None for shelf in shelves for group, read_ms in enumerate(shelf.read_ms) if read_ms
        }
        places = ((shelf, place) for shelf in shelves for place in shelf.was_read())
        self._snapshot = deque(places if snapshot else ())
        self.scan_changed = True
        if self.hold is not None:
            await self.hold.flush()
        self.wake.set()

    def end(self) -> None:
        """The connection is over: what was not confirmed is held."""
        if not self.live:
            return
        self.live = False
        if self.hold is not None:
            for sent in self._flights.values():
                for shelf, schema, change in sent:
                    self.hold.add(_held(shelf, schema, change))
            for shelf, places in self._dirty.items():
                for place in places:
                    if place < len(shelf.values):
                        self.hold.add(_held(shelf, shelf.schema, shelf.change(0, place)))
        self._dirty, self._reads, self._flights = {}, {}, {}
        self._snapshot.clear()

    def confirmed(self, n: int) -> None:
        for number in [number for number in self._flights if number <= n]:
            del self._flights[number]

    @property
    def waiting(self) -> int:
        held = self.hold.waiting if self.hold is not None else 0
        return held + sum(map(len, self._dirty.values()))

    # --- frames

    def declares(self) -> Iterator[Message]:
        """Schema and Declare messages due now. A device whose points changed is declared anew and all it has sent again."""
        shelves, self._undeclared = list(self._undeclared), {}
        for shelf in shelves:
            device = shelf.device
            now = (device.id, device.identity, device.generation, shelf.schema)
            before = self._declared.get(shelf)
            if before == now:
                continue
            number = self._schemas.get(shelf.schema)
            if number is None:
                number = self._schemas[shelf.schema] = len(self._schemas) + 1
                yield SchemaMessage(number=number, descriptors=list(shelf.schema.descriptors))
            ref = self._ref(shelf, device.id)
            self._declared[shelf] = now
            yield Declare(ref=ref, device=device.id, identity=now[1], generation=now[2], schema=number)
            if before is not None and (before[0], before[3]) != (device.id, shelf.schema):
                self._dirty[shelf] = set(shelf.was_read())
                self._reads.update(((shelf, group), None) for group, read_ms in enumerate(shelf.read_ms) if read_ms)

    def _ref(self, shelf: Shelf, device: str) -> int:
        """A device that got another id needs another ref: one ref is one device for a whole connection (T2)."""
        before = self._declared.get(shelf)
        if before is None or before[0] != device:
            self._count += 1
            self._refs[shelf] = self._count
        return self._refs[shelf]

    def held(self, kept: Sequence[Kept]) -> list[Change]:
        """Held values as changes of this connection; those of points that are no more are left out."""
        changes = []
        for item in kept:
            shelf = self._board.shelves.get(item.held.device)
            ref = self._refs.get(shelf) if shelf is not None else None
            place = shelf.schema.index.get(item.held.point) if shelf is not None else None
            if ref is not None and place is not None:
                value = item.held
                changes.append(Change(ref, place, value.value, value.time_ms, value.quality, value.origin, value.text))
        return changes

    def take(self, reads: bool) -> list[tuple[list[Sent], list[Read], bool]]:
        """What is due now as the contents of one frame at most (changes, reads, whether it is of the snapshot)."""
        if self._snapshot:
            return [(self._take_snapshot(), [], True)]
        sent = self._take_dirty()
        due = self._take_reads() if reads else []
        return [(sent, due, False)] if sent or due else []

    @property
    def in_flight(self) -> bool:
        return bool(self._flights)

    @property
    def snapshot_due(self) -> bool:
        return bool(self._snapshot)

    def flown(self, n: int, sent: list[Sent]) -> None:
        if self.hold is not None and sent:
            self._flights[n] = sent

    def _take_snapshot(self) -> list[Sent]:
        sent: list[Sent] = []
        while self._snapshot and len(sent) < CHANGES_PER_FRAME:
            shelf, place = self._snapshot.popleft()
            ref = self._refs.get(shelf)
            if ref is not None and place < len(shelf.values):
                sent.append((shelf, shelf.schema, shelf.change(ref, place)))
        return sent

    def _take_dirty(self) -> list[Sent]:
        self.hurry.clear()
        sent: list[Sent] = []
        while self._dirty and len(sent) < CHANGES_PER_FRAME:
            shelf, places = self._dirty.popitem()
            ref = self._refs.get(shelf)
            if ref is None:
                continue
            if len(sent) + len(places) > CHANGES_PER_FRAME and sent:
                self._dirty[shelf] = places
                break
            sent += [(shelf, shelf.schema, shelf.change(ref, place)) for place in places if place < len(shelf.values)]
        if self._dirty:
            self.wake.set()
        return sent

    def _take_reads(self) -> list[Read]:
        due, self._reads = self._reads, {}
        return [Read(self._refs[shelf], group, shelf.read_ms[group]) for shelf, group in due if shelf in self._refs]

    @property
    def reads_due(self) -> bool:
        return bool(self._reads)


def frame(n: int, sent: Sequence[Sent], reads: list[Read], snapshot: bool) -> Values:
    return Values(n=n, changes=[item[2] for item in sent], reads=reads, snapshot=snapshot)


def _held(shelf: Shelf, schema: Schema, change: Change) -> HeldValue:
    return HeldValue(
        shelf.device.id, schema.descriptors[change.index].key, change.time_ms,
        change.value, change.quality, change.origin, change.text,
    )  # fmt: skip
