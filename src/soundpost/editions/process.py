"""What every long-running command shares: the event loop, signals, the ready line, and a parent that may vanish."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from soundpost.kernel import log
from soundpost.kernel.errors import SoundpostError

SUPERVISED = "SOUNDPOST_SUPERVISED"
Main = Callable[[asyncio.Event], Awaitable[None]]


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where there is one: TLS connections cost a seventh of the memory there (stack.md 3.3)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def run(main: Main) -> int:
    """Runs `main(stop)` until it returns; Ctrl-C and SIGTERM set `stop`. Errors meant for people become one sentence and exit 2."""
    _told.update(read_orders())
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(with_signals(main))
    except SoundpostError as error:
        sys.stderr.write(f"{error.text} ({error.code})\n")
        return 2
    except BaseExceptionGroup as group:
        mine, others = group.split(SoundpostError)
        if others is not None or mine is None:
            raise
        for one in leaves(mine):
            sys.stderr.write(f"{one.text} ({one.code})\n")
        return 2
    return 0


def leaves(group: BaseExceptionGroup[SoundpostError]) -> list[SoundpostError]:
    found: list[SoundpostError] = []
    for error in group.exceptions:
        found.extend(leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


async def with_signals(main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    if os.environ.get(SUPERVISED):
        threading.Thread(target=watch_parent, args=(loop, stop), daemon=True, name="parent-watch").start()
    await main(stop)


def watch_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """A supervisor holds our standard input open; when it is gone, however it ended, we end too."""
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


_told: dict[str, Any] = {}


def orders() -> dict[str, Any]:
    """What a supervisor wants: secrets travel on standard input, never in arguments or the environment."""
    return _told


def read_orders() -> dict[str, Any]:
    """One JSON line, read before anything else looks at standard input."""
    if not os.environ.get(SUPERVISED):
        return {}
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return {}
        line += byte
    loaded: dict[str, Any] = json.loads(line)
    return loaded


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def ready_line(body: dict[str, Any]) -> None:
    say(json.dumps(body, separators=(",", ":")))


def open_browser(url: str) -> None:
    """Only where a person sits: a terminal and a display."""
    has_display = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.stdout.isatty() and has_display:
        import webbrowser

        webbrowser.open(url)


def quiet_log() -> None:
    log.configure(level=os.environ.get("SOUNDPOST_LOG", "info"), json_lines=os.environ.get("SOUNDPOST_LOG_JSON") == "1")
