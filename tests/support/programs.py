"""Real Soundpost processes for journeys, browser tests and benches: started with --ready-json, ended by process id."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from soundpost.kernel.clock import SystemClock, sleep_blocking

CLOCK = SystemClock()
WAIT_S = 60.0


class Program:
    """One process of ours. `ready` is its start-up line; `log` what it wrote on standard error."""

    def __init__(
        self, *arguments: str, environment: Mapping[str, str] | None = None, orders: Mapping[str, Any] | None = None
    ) -> None:
        supervised = {"SOUNDPOST_SUPERVISED": "1"} if orders is not None else {}
        self.log: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "soundpost.cli.main", *arguments, "--ready-json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **supervised, **(environment or {})},
            start_new_session=True,
        )
        assert self.process.stdin and self.process.stdout
        if orders is not None:
            self.process.stdin.write(json.dumps(orders) + "\n")
            self.process.stdin.flush()
        threading.Thread(target=self._listen, daemon=True).start()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self._close()
            raise RuntimeError(f"{arguments[0]} did not start:\n" + "\n".join(self.log))
        self.ready: dict[str, Any] = json.loads(line)

    def _listen(self) -> None:
        assert self.process.stderr
        with contextlib.suppress(ValueError):
            for line in self.process.stderr:
                self.log.append(line.rstrip())

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(
                    f"{self.process.args} did not stop in time:\n" + "\n".join(self.log[-30:])
                ) from None
        self._close()
        return self.process.returncode

    def _close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError, ValueError):
                    stream.close()


class Api:
    """The HTTP API of one hub or Local Agent, as an integration would use it."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url.rstrip("/") + "/api/v1", headers={"X-Api-Key": key}, timeout=20)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.client.post(path, json=body, headers=headers)
        if answer.is_error:
            raise AssertionError(f"POST {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def devices(self, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.get("/devices", limit=1000, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items

    def close(self) -> None:
        self.client.close()


def whole_log(url: str, owner: Mapping[str, str]) -> list[dict[str, Any]]:
    """All facts in order, as the owner reads them: a key that only controls is not told what people do, and sees gaps."""
    items: list[dict[str, Any]] = []
    with httpx.Client(base_url=f"{url}/api/v1", headers={"Origin": url}, timeout=20) as client:
        told = {"sign_in": owner["email"], "password": owner["password"]}
        client.post("/session", json=told).raise_for_status()
        while page := client.get("/events", params={"after": items[-1]["id"] if items else 0, "limit": 1000}).json()[
            "items"
        ]:
            items += page
    return items


def eventually(what: str, fact: Callable[[], Any], seconds: float = WAIT_S) -> Any:
    """Waits for a fact, asking again often; the fact's last answer is shown when it never comes true."""
    until = CLOCK.monotonic() + seconds
    last: Any = None
    while CLOCK.monotonic() < until:
        try:
            last = fact()
        except (httpx.HTTPError, AssertionError, KeyError, IndexError) as error:
            last = error
        else:
            if last:
                return last
        sleep_blocking(0.05)
    raise AssertionError(f"waited {seconds:.0f} s in vain: {what}; last seen: {last!r}")


@contextlib.contextmanager
def running(*arguments: str, **options: Any) -> Iterator[Program]:
    program = Program(*arguments, **options)
    try:
        yield program
    finally:
        program.stop()


def folder(base: Path, name: str) -> str:
    path = base / name
    path.mkdir(parents=True, exist_ok=True)
    return str(path)
