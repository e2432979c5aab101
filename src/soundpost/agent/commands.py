"""Carries each command out once, and answers with a fact (T20-T23).

One queue per stack, whoever asks. A known id is answered from the journal. Before the first byte the asking link is asked
*go?*, and `started` is on disk. A *never* verb that was started is never run again: it is uncertain until reading back
settles it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from soundpost.agent.journal import ENDED, OPEN, STARTED, UNCERTAIN, Entry, Journal, save
from soundpost.agent.lines import Lines
from soundpost.agent.registry import Registry
from soundpost.agent.settling import Settling
from soundpost.agent.spool import Spool
from soundpost.agent.turns import Origin, Queued, Turns
from soundpost.agent.watch import Watch
from soundpost.device.capability import HANDS_OFF_MOST_MIN, VERBS, CommandState, Verb
from soundpost.device.ceiling import MICROPHONES, allows, needs
from soundpost.device.contract import Outcome, Session
from soundpost.device.model import Reason
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import SoundpostError
from soundpost.link.commands import Command
from soundpost.link.envelope import GoAnswer
from soundpost.link.events import CommandEnded

EXPIRED = "expired"
BUSY = "busy"
"""The answer to *go?* while the asker still counts an earlier command of the stack as open. Not a refusal: most often that one
has just ended here, and the fact is on its way."""
ECHO_S = 1.0
"""A device's own word about a point just after our command is still ours."""

LAST_WORD_S = 0.1
"""A session that gave up at the deadline itself, before it sent anything, says so; that is more than "no answer"."""

LEFT_STARTED = CommandState.UNCERTAIN, "agent_restarted", "The agent stopped while it was carried out."
NOT_STARTED = "Its deadline passed before it was started."
STILL_BUSY = "Its deadline passed while an earlier command for the same stack was still open."

_log = log.get("agent.commands")


class Here:
    """Commands asked in this process: nobody else could have aborted them."""

    name = "local"

    def seen(self, key: str) -> None: ...

    async def go(self, key: str) -> GoAnswer:
        return GoAnswer(id=key, go=True)


class Commands:
    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        spool: Spool,
        registry: Registry,
        lines: Lines,
        go_s: float,
        ceiling: Callable[[], str] = lambda: MICROPHONES,
        value: Callable[[str, str], object] = lambda _device, _key: None,
    ) -> None:
        """`ceiling`: the most a hub may do here just now (device.ceiling). `value`: what a device's point was read as last."""
        self._clock, self._journal, self._spool = clock, journal, spool
        self._registry, self._lines, self._go_s, self._ceiling, self._value = registry, lines, go_s, ceiling, value
        self._turns: dict[str, Turns] = {}
        self._open: dict[str, Entry] = {}
        self._queued_ids: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: dict[str, list[Callable[[CommandEnded], None]]] = {}
        self._settling = Settling(clock, lines, self._settled)

    async def load(self) -> None:
        """What the last process left open. Started *never* verbs are uncertain; the rest waits to be sent again."""
        now = self._clock.now_ms()
        for entry in await self._journal.unended():
            if entry.state == UNCERTAIN and not _safe(entry):
                self._settling.add(entry)
            elif entry.state == STARTED and not _safe(entry):
                self._end(entry, *LEFT_STARTED)
                self._settling.add(entry)
            elif entry.ended is not None:
                # Told already, as expired while it was under way: nothing more will be known of it.
                entry.state = ENDED
                self._spool.note_record(save(entry))
            else:
                self._await_again(entry, now)

    def _await_again(self, entry: Entry, now: int) -> None:
        """Its deadline died with the process; by the wall clock it has at most what was left."""
        left_ms = entry.received_ms + entry.command.left_ms - now
        if left_ms <= 0 or left_ms > entry.command.left_ms:
            self._expire(entry)
            return
        self._open[entry.command.id] = entry
        entry.state = OPEN
        self._go_on(self._expire_later(entry, left_ms / 1000))

    async def _expire_later(self, entry: Entry, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if self._open.get(entry.command.id) is entry and entry.state == OPEN:
            del self._open[entry.command.id]
            self._expire(entry)

    # --- asked

    async def ask(self, command: Command, origin: Origin) -> None:
        """Returns when the command is in the journal and queued, or answered. Never raises for what a command holds."""
        due = self._clock.monotonic() + command.left_ms / 1000
        known = self._open.get(command.id)
        left_over = known is not None and known.state == OPEN and command.id not in self._queued_ids
        if known is None:
            known = await self._journal.find(command.id)
            if known is not None:
                origin.seen(command.id)
                await self._answer_again(known, origin)
                return
        elif not left_over:
            origin.seen(command.id)
            return
        started_ms = known.started_ms if known else 0
        entry = Entry(
            command=command, origin=origin.name, received_ms=self._clock.now_ms(), age_ms=self._spool.age.now_ms(),
            started_ms=started_ms,
        )  # fmt: skip
        self._open[command.id] = entry
        try:
            await self._journal.put(entry)
        except SoundpostError as error:
            del self._open[command.id]
            self._not_started(entry, CommandState.REFUSED, error.code, error.text)
            return
        origin.seen(command.id)
        refused = self._refusal(command) or self._over_ceiling(entry)
        if refused is not None:
            self._not_started(entry, *refused)
            return
        self._queue(entry, origin, due)

    async def _answer_again(self, entry: Entry, origin: Origin) -> None:
        """The hub asks though it confirmed the answer: it went back. An answer under way is not doubled."""
        if entry.ended is None:
            return
        reader = "local" if origin.name == "local" else f"hub:{origin.name}"
        position = await self._spool.position_of(entry.ended_uid)
        mark = await self._spool.mark_of(reader)
        if position is None or position <= mark.position:
            device = self._registry.known.get(entry.command.device)
            self._spool.note(
                "command.ended", entry.ended, entry.command.device, device.device.generation if device else 0
            )

    def _refusal(self, command: Command) -> tuple[CommandState, str, str] | None:
        known = self._registry.known.get(command.device)
        if command.capability not in VERBS:
            words = f"This agent can't do {command.capability!r}; update it."
            return CommandState.UNSUPPORTED, "verb_unknown", words
        if known is None or self._lines.of_device(command.device) is None:
            return CommandState.REFUSED, "not_here", "This agent does not have that device."
        if command.generation and command.generation < known.device.generation:
            return CommandState.REFUSED, "older_generation", "Another agent holds this device now."
        return None

    def _over_ceiling(self, entry: Entry) -> tuple[CommandState, str, str] | None:
        """Whatever a hub asks: this site's people said how far it may go. Their own page is not bound by it."""
        command, ceiling = entry.command, self._ceiling()
        verb = VERBS.get(command.capability)
        now = self._value(command.device, verb.written(command.arguments)) if verb else None
        needed = needs(command.capability, command.arguments, now)
        if entry.origin == Here.name or allows(ceiling, needed):
            return None
        words = f"This site lets its hub go as far as {ceiling}; this needs {needed}. It is changed at the Local Agent."
        return CommandState.REFUSED, "over_ceiling", words

    def _queue(self, entry: Entry, origin: Origin, due: float) -> None:
        watch = self._lines.of_device(entry.command.device)
        assert watch is not None
        turns = self._turns.get(watch.id)
        if turns is None:
            turns = self._turns[watch.id] = Turns(self._clock)
            self._go_on(self._work(turns))
        self._queued_ids.add(entry.command.id)
        turns.add(Queued(entry, origin, due))

    async def _work(self, turns: Turns) -> None:
        while True:
            queued = await turns.next()
            entry = queued.entry
            try:
                if await self._must_wait(queued):
                    turns.not_yet(queued)
                    continue
                if entry.ended is None:
                    await self._carry_out(entry, queued.due)
            except Exception as error:
                _log.exception("command failed", command=entry.command.id)
                if entry.ended is None:
                    self._fault(entry, error)
            self._queued_ids.discard(entry.command.id)

    # --- carried out

    async def _must_wait(self, queued: Queued) -> bool:
        """Asks *go?*. False: it may start, or it has ended."""
        entry, due = queued.entry, queued.due
        refused = None
        busy = queued.pause > 0
        if self._clock.monotonic() < due:
            refused = await self._go(entry.command.id, queued.origin)
            busy = refused is not None and refused[0] == BUSY
            if busy and self._clock.monotonic() < due:
                return True
        if self._clock.monotonic() >= due or (refused is not None and refused[0] == EXPIRED):
            self._expire(entry, STILL_BUSY if busy else NOT_STARTED)
        elif refused is not None:
            self._not_started(entry, CommandState.REFUSED, *refused)
        return False

    async def _carry_out(self, entry: Entry, due: float) -> None:
        command, verb = entry.command, VERBS[entry.command.capability]
        if (refused := self._over_ceiling(entry)) is not None:  # lowered while it waited
            self._not_started(entry, *refused)
            return
        watch = self._lines.of_device(command.device)
        session = self._lines.sessions.get(watch.id) if watch else None
        if watch is None or session is None:
            words = "Nothing was sent: another device answers at its address."
            self._not_started(entry, CommandState.FAILED, "line_down", words)
            return
        before_ms = entry.started_ms
        entry.state, entry.started_ms = STARTED, self._clock.now_ms()
        try:
            await self._journal.put(entry)
        except SoundpostError as error:
            entry.started_ms = before_ms
            self._not_started(entry, CommandState.REFUSED, error.code, error.text)
            return
        await self._perform(entry, verb, watch, session, due)

    async def _go(self, key: str, origin: Origin) -> tuple[str, str] | None:
        """None: go. Else the code and sentence of the refusal; without an answer nothing is started."""
        try:
            async with self._clock.timeout(self._go_s):
                answer = await origin.go(key)
        except (TimeoutError, OSError, SoundpostError):
            return "no_go", "Not started: whoever asked for it could not be reached to confirm it."
        if answer.go:
            return None
        return answer.code or "aborted", "Not started: it is no longer wanted."

    async def _perform(self, entry: Entry, verb: Verb, watch: Watch, session: Session, due: float) -> None:
        command = entry.command
        part = watch.part_of(command.device) or "stack"
        watch.claim(part, command.id, verb.written(command.arguments))
        try:
            outcome = await self._in_time(entry, _told(session, part, command, watch, due), due)
        except BaseException:
            watch.release(command.id)
            raise
        self._go_on(self._release_later(watch, command.id))
        self._ended(entry, outcome, proved=bool(watch.serials))

    async def _in_time(self, entry: Entry, running: Any, due: float) -> Outcome:
        """The device's answer, also when it comes late: then the command is told as expired first."""
        task: asyncio.Task[Outcome] = asyncio.create_task(running)
        try:
            try:
                async with self._clock.timeout(max(0.0, due - self._clock.monotonic()) + LAST_WORD_S):
                    await asyncio.wait({task})
            except TimeoutError:
                self._end(entry, CommandState.EXPIRED, "expired", "No answer within its deadline.", still=STARTED)
            return await task
        finally:
            task.cancel()

    async def _release_later(self, watch: Watch, key: str) -> None:
        await self._clock.sleep(ECHO_S)
        watch.release(key)

    # --- ended

    def _fault(self, entry: Entry, error: Exception) -> None:
        """What was started may have been done: a fault of ours says nothing about the device."""
        state = CommandState.UNCERTAIN if entry.state == STARTED else CommandState.FAILED
        self._end(entry, state, "agent_fault", f"The agent failed ({type(error).__name__}); its log says more.")
        if state is CommandState.UNCERTAIN:
            self._settling.add(entry)

    def _ended(self, entry: Entry, outcome: Outcome, *, proved: bool) -> None:
        result: dict[str, Any] = {} if proved else {"identity_proved": False}
        self._end(entry, outcome.state, outcome.code, outcome.text, assumed=outcome.assumed, result=result)
        if outcome.state is CommandState.UNCERTAIN:
            self._settling.add(entry)

    def _settled(self, entry: Entry, state: CommandState, code: str, words: str) -> None:
        self._end(entry, state, code, words)

    def _expire(self, entry: Entry, words: str = NOT_STARTED) -> None:
        self._not_started(entry, CommandState.EXPIRED, "expired", words)

    def _not_started(self, entry: Entry, state: CommandState, code: str, words: str) -> None:
        """An end without a byte from this process. What an earlier process had started may have been done all the same."""
        if entry.started_ms:
            self._end(entry, *LEFT_STARTED)
        else:
            self._end(entry, state, code, words)

    def _end(
        self,
        entry: Entry,
        state: CommandState,
        code: str,
        words: str,
        *,
        assumed: bool = False,
        result: Mapping[str, Any] | None = None,
        still: str = "",
    ) -> None:
        """The fact and the journal's row in one commit. A second end amends the first and is late."""
        command = entry.command
        ended = CommandEnded(
            id=command.id,
            capability=command.capability,
            state=str(state),
            reason=Reason(code, words) if code or words else None,
            arguments=command.arguments,
            result=dict(result or {}),
            assumed=assumed,
            person=command.person,
            origin=entry.origin,
            late=entry.ended is not None,
        )
        entry.ended = ended
        settles = state is CommandState.UNCERTAIN and not _safe(entry)
        entry.state = still or (UNCERTAIN if settles else ENDED)
        known = self._registry.known.get(command.device)
        generation = known.device.generation if known else command.generation
        entry.ended_uid = self._spool.mint()
        self._spool.note("command.ended", ended, command.device, generation, save(entry), entry.ended_uid)
        if not still:
            self._open.pop(command.id, None)
            for told in self._waiting.pop(command.id, []):
                told(ended)

    async def perform(self, command: Command) -> CommandEnded:
        """Asks here and waits for its end: for pages and tools in this process."""
        ended: asyncio.Future[CommandEnded] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command.id, []).append(lambda e: None if ended.done() else ended.set_result(e))
        await self.ask(command, Here())
        return await ended

    def _go_on(self, errand: Any) -> None:
        task = asyncio.create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        self._settling.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _safe(entry: Entry) -> bool:
    """Whether it may be repeated. Then nothing is ever read back to settle it: asking again does that better."""
    verb = VERBS.get(entry.command.capability)
    return verb is not None and verb.repeat == "safe"


async def _told(session: Session, part: str, command: Command, watch: Watch, due: float) -> Outcome:
    """What the device said in its reply is told in the step that has it: what it says next must be the last word."""
    outcome = await _run(session, part, command, watch, due)
    for reading in outcome.readings:
        watch.claim(part, command.id, reading.key)
    watch.readings(part, outcome.readings)
    return outcome


async def _run(session: Session, part: str, command: Command, watch: Watch, due: float) -> Outcome:
    arguments = command.arguments
    if command.capability == "hands_off":
        return await _hands_off(session, arguments)
    serials = watch.serials_of(part) if VERBS[command.capability].writes else frozenset()
    return await session.perform(part, command.capability, arguments, serials, due)


async def _hands_off(session: Session, arguments: Mapping[str, Any]) -> Outcome:
    minutes = arguments.get("minutes", 60)
    if not arguments.keys() <= {"minutes"}:
        minutes = None  # an argument nobody knows may mean something else than an hour
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= HANDS_OFF_MOST_MIN:
        words = f"Hands off takes whole minutes, 0 to {HANDS_OFF_MOST_MIN}."
        return Outcome(CommandState.REFUSED, "out_of_range", words)
    await session.hands_off(minutes * 60.0)
    words = f"The line is given up for {minutes} min." if minutes else "The line is taken back."
    return Outcome(CommandState.DONE, "", words)
