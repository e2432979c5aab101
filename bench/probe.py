"""`python -m bench.probe hub …`: the real command, with a thermometer in its event loop.

A 5 ms ticker notes how late it wakes; that is the loop's lag as the process itself feels it. SIGUSR1 begins a measurement (nothing
ticks before), SIGUSR2 writes it to SOUNDPOST_PROBE_FILE and ends it. With SOUNDPOST_PROBE_PROFILE=1 the main thread is also sampled
by its CPU time, for a profile, and with PYTHONTRACEMALLOC=1 the figures hold which lines allocated what is alive; both slow it, so
published figures are taken without.

The commands themselves know nothing of this: only the door `process.with_signals` is wrapped, and the simulator's sessions note
when a request first went unanswered.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from bench.figures import felt, percentile

TICK_S = 0.005
SAMPLE_S = 0.005
DEPTH = 40
TOP = 30
STALL_MS = 15.0
WAITING = (
    "lib/python3.11/threading.py",
    "lib/python3.11/queue.py",
    "soundpost/editions/process.py",
    "concurrent/futures/thread.py",
)


class Profile:
    """CPU samples of the main thread, weighed by the CPU time it really used between two of them. What was sampled during a stall of
    the loop is also counted apart; where another thread used the time, that thread's place is what held the loop up."""

    def __init__(self) -> None:
        self._main = threading.get_ident()
        self.clear()

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)

    def clear(self) -> None:
        self.own: Counter[str] = Counter()
        self.within: Counter[str] = Counter()
        self.stalls: Counter[str] = Counter()
        self.total = self.stalled = 0.0
        self._since_tick: list[tuple[str, float]] = []
        self._cpu, self._all = time.thread_time(), time.process_time()

    def ticked(self, stall_ms: float) -> None:
        """The loop came round."""
        if stall_ms >= STALL_MS:
            for name, spent in self._since_tick:
                self.stalls[name] += spent  # type: ignore[assignment]
                self.stalled += spent
        self._since_tick.clear()

    def _elsewhere(self, spent: float) -> None:
        for thread, frame in sys._current_frames().items():
            if thread != self._main and not place(frame).startswith(WAITING):
                self._since_tick.append((f"thread at {place(frame)}:{frame.f_lineno}", spent))
                return

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        now, whole = time.thread_time(), time.process_time()
        spent, others = now - self._cpu, whole - self._all - (now - self._cpu)
        self._cpu, self._all = now, whole
        if others > spent:
            self._elsewhere(others)
        if spent <= 0 or frame is None:
            return
        self.total += spent
        places = [place(frame)]
        above = frame.f_back
        while above is not None and len(places) < DEPTH:
            places.append(place(above))
            above = above.f_back
        ours = next((name for name in places if "soundpost/" in name or "hub/" in name), places[0])
        self._since_tick.append((f"{places[0]}:{frame.f_lineno} < {ours}", spent))
        self.own[f"{places[0]}:{frame.f_lineno}"] += spent  # type: ignore[assignment]
        for name in set(places):
            self.within[name] += spent  # type: ignore[assignment]

    def told(self) -> dict[str, Any]:
        return {
            "total_s": self.total,
            "own": self._top(self.own, self.total),
            "within": self._top(self.within, self.total),
            "stalls": self._top(self.stalls, self.stalled),
            "stalled_s": self.stalled,
        }

    def _top(self, counted: "Counter[str]", whole: float) -> list[tuple[str, float]]:
        whole = whole or 1.0
        return [(name, round(spent / whole, 4)) for name, spent in counted.most_common(TOP)]


def place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-3:])}:{code.co_firstlineno} {code.co_qualname}"


class Probe:
    def __init__(self, file: Path, profile: Profile | None) -> None:
        self._file, self._profile = file, profile
        self._begun = asyncio.Event()
        self._clear()

    def begin(self) -> None:
        self._clear()
        self._begun.set()

    def _clear(self) -> None:
        self._stalls: list[float] = []
        self._began, self._cpu = time.monotonic(), time.process_time()
        if self._profile:
            self._profile.clear()

    async def run(self) -> None:
        """Until cancelled. Nothing ticks before the first measurement begins: a bench of CPU or memory must not measure this."""
        while True:
            await self._begun.wait()
            await self._tick()

    async def _tick(self) -> None:
        due = time.monotonic() + TICK_S
        while self._begun.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self._stalls.append((now - due) * 1000)
            if self._profile:
                self._profile.ticked(self._stalls[-1])
            due = now + TICK_S

    def figures(self) -> dict[str, Any]:
        """Seconds and milliseconds; `lag_*` as work that arrives at any moment feels it (figures.felt)."""
        lags = felt(self._stalls, TICK_S * 1000)
        wall, cpu = time.monotonic() - self._began, time.process_time() - self._cpu
        return {
            "seconds": wall,
            "cpu_s": cpu,
            "lag_p50_ms": percentile(lags, 0.5) if lags else 0.0,
            "lag_p99_ms": percentile(lags, 0.99) if lags else 0.0,
            "lag_max_ms": max(self._stalls, default=0.0),
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
            "profile": self._profile.told() if self._profile else None,
            "alive": alive(),
        }

    def write(self) -> None:
        self._begun.clear()
        self._file.write_text(json.dumps(self.figures()))


def alive() -> list[tuple[str, float]]:
    """KiB by the line that allocated them; empty unless Python traces its allocations."""
    if not tracemalloc.is_tracing():
        return []
    gc.collect()
    lines = tracemalloc.take_snapshot().statistics("lineno")[:TOP]
    return [
        (f"{'/'.join(Path(s.traceback[0].filename).parts[-3:])}:{s.traceback[0].lineno}", s.size / 1024) for s in lines
    ]


def note_unanswered(file: Path) -> None:
    """The simulator's own clock at the first request a silent stack leaves unanswered, or one in error answers with its error line."""
    from soundpost.kernel.clock import SystemClock
    from soundpost.simulator.session import Session
    from soundpost.simulator.station import Station

    clock, received, noted = SystemClock(), Session.data_received, set[str]()

    def data_received(self: Session, data: bytes) -> None:
        station = self._station
        assert isinstance(station, Station)
        name = station.stack.spec.name
        if not station.silent and station.error is None:
            noted.discard(name)
        elif name not in noted:
            noted.add(name)
            with file.open("a") as out:
                out.write(json.dumps({"stack": name, "us": clock.now_us()}) + "\n")
        received(self, data)

    Session.data_received = data_received  # type: ignore[method-assign]


def install(probe: Probe) -> None:
    """Wraps the one door every long-running command goes through."""
    from soundpost.editions import process

    inner = process.with_signals

    async def with_signals(main: process.Main) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, probe.begin)
        loop.add_signal_handler(signal.SIGUSR2, probe.write)
        ticking = asyncio.create_task(probe.run(), name="probe")
        try:
            await inner(main)
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    process.with_signals = with_signals


def main() -> None:
    profile = Profile() if os.environ.get("SOUNDPOST_PROBE_PROFILE") == "1" else None
    install(Probe(Path(os.environ["SOUNDPOST_PROBE_FILE"]), profile))
    if unanswered := os.environ.get("SOUNDPOST_PROBE_UNANSWERED"):
        note_unanswered(Path(unanswered))
    if profile:
        profile.start()
    from soundpost.cli import main as cli

    sys.argv[0] = "soundpost"
    cli.main()


if __name__ == "__main__":
    main()
