"""Starts several Soundpost processes as one: each is a real program with its own data folder and process id.

A child that ends by itself is reported and left ended: whoever killed it wanted to see what happens. Run `soundpost hub`
and `soundpost agent` under the system's service manager to have them restarted.
"""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soundpost.editions.process import SUPERVISED
from soundpost.kernel import log
from soundpost.kernel.clock import Clock
from soundpost.kernel.errors import GiveUp

START_S = 60.0
STOP_S = 15.0


class Child:
    """One process. `start` returns its ready line; `pid` is valid from then on."""

    def __init__(
        self, name: str, arguments: list[str], clock: Clock, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self._arguments, self._clock = name, arguments, clock
        named = [f"{key}={shlex.quote(value)}" for key, value in (environment or {}).items()]
        self.command = " ".join([*named, "soundpost", *map(shlex.quote, arguments)])
        """What a person types to start it again by itself."""
        self._environment = {**os.environ, **(environment or {}), SUPERVISED: "1", "PYTHONUNBUFFERED": "1"}
        self._log = log.get("supervisor").bind(child=name)
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "soundpost.cli.main",
            *self._arguments,
            "--ready-json",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which ends its children in order
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._words: list[str] = []
        self._readers.append(asyncio.create_task(self._pass_on(self._process.stderr), name=f"{self.name}-stderr"))
        self._process.stdin.write(json.dumps(orders).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()
        try:
            async with self._clock.timeout(START_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise GiveUp(f"{self.name} did not start within {START_S:.0f} s.", code="child_slow") from None
        if not line:
            await self._process.wait()
            await asyncio.gather(*self._readers)
            last = self._words[-1] if self._words else f"exit code {self._process.returncode}"
            raise GiveUp(f"{self.name} could not start: {last}", code="child_failed")
        self._readers.append(asyncio.create_task(self._pass_on(self._process.stdout), name=f"{self.name}-stdout"))
        ready: dict[str, Any] = json.loads(line)
        return ready

    async def _pass_on(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            words = line.decode(errors="replace").rstrip()
            if words:
                self._words = [*self._words[-20:], words]
                sys.stderr.write(f"[{self.name}] {words}\n")

    async def ended(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        if self._process is None:
            return
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                async with self._clock.timeout(STOP_S):
                    await self._process.wait()
            except TimeoutError:
                self._log.warning("killed, it did not stop in time")
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        await asyncio.gather(*self._readers, return_exceptions=True)


class Supervisor:
    """Use as `async with`; `add` starts a child, `watch` waits for `stop` and tells of children that end before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.children: list[Child] = []

    async def __aenter__(self) -> "Supervisor":
        return self

    async def __aexit__(self, *_: object) -> None:
        # Agents first, so that what they saw last still reaches the hub; the simulator last.
        for child in reversed(self.children):
            await child.stop()

    async def add(
        self,
        name: str,
        arguments: list[str],
        orders: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[Child, dict[str, Any]]:
        child = Child(name, arguments, self._clock, environment)
        self.children.append(child)
        return child, await child.start(orders or {})

    async def watch(self, stop: asyncio.Event) -> None:
        watchers = [asyncio.create_task(self._tell(child)) for child in self.children]
        try:
            await stop.wait()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)

    async def _tell(self, child: Child) -> None:
        code = await child.ended()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        log.get("supervisor").warning(
            f"{child.name} ended ({how}); the others go on. To start it again: {child.command}", child=child.name
        )


def folder(base: Path, *parts: str) -> str:
    path = base.joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return str(path)
