"""The same real processes the tests use, and the same behind a probe (bench/probe.py)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.programs import CLOCK, Api, Program, eventually

from soundpost.kernel.clock import sleep_blocking

__all__ = ["CLOCK", "ROOT", "Api", "Launched", "Probed", "Program", "eventually"]
ROOT = Path(__file__).resolve().parents[1]
PROBE_S = 120.0
"""A loop that stands still for long answers late; that is a figure, not a fault of the bench."""


class Launched(Program):
    """`python -m MODULE ARGUMENTS…`, with the same ready line, the same orders on standard input and the same end. It ends by
    itself when its standard input closes, so nothing outlives a bench that was killed."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        orders: Mapping[str, Any] | None = None,
    ) -> None:
        self.log = []
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "SOUNDPOST_SUPERVISED": "1", **(environment or {})},
            start_new_session=True,
        )
        self.tell(dict(orders or {}))
        threading.Thread(target=self._listen, daemon=True).start()
        self.ready: dict[str, Any] = self.heard()

    def tell(self, order: Mapping[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def heard(self) -> dict[str, Any]:
        """Its next line; raises with its log when it ended instead."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError(f"{self.process.args!r} ended by itself:\n" + "\n".join(self.log[-40:]))
        said: dict[str, Any] = json.loads(line)
        return said


class Probed(Launched):
    """A Soundpost command that measures itself: `start_measuring`, then `measured`."""

    def __init__(self, *arguments: str, **options: Any) -> None:
        handle, name = tempfile.mkstemp(prefix="soundpost-probe-")
        os.close(handle)
        self._told = Path(name)
        environment = {**(options.pop("environment", None) or {}), "SOUNDPOST_PROBE_FILE": name}
        super().__init__("bench.probe", *arguments, "--ready-json", environment=environment, **options)

    def start_measuring(self) -> None:
        self._told.write_text("")
        os.kill(self.pid, signal.SIGUSR1)

    def measured(self) -> dict[str, Any]:
        """What it measured since `start_measuring`; see probe.Probe.figures. Without one there are no lags in it."""
        self._told.write_text("")
        os.kill(self.pid, signal.SIGUSR2)
        until = CLOCK.monotonic() + PROBE_S
        while CLOCK.monotonic() < until and self.process.poll() is None:
            if text := self._told.read_text():
                figures: dict[str, Any] = json.loads(text)
                return figures
            sleep_blocking(0.02)
        state = "runs" if self.process.poll() is None else f"ended with {self.process.returncode}"
        raise RuntimeError(f"the probe did not answer; its process {state}:\n" + "\n".join(self.log[-20:]))

    def _close(self) -> None:
        super()._close()
        with contextlib.suppress(OSError):
            self._told.unlink()
