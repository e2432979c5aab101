"""What the doctor finds, against real sockets on loopback; each bad finding says what to do."""

import socket
import sqlite3
import ssl
import threading
from pathlib import Path

import pytest
from tests.support.clock import ManualClock

from soundpost.editions import doctor
from soundpost.hub import tls
from soundpost.hub.store import Store
from soundpost.kernel.clock import SystemClock

HEALTH = (
    b'HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 03:50:12 GMT\r\nConnection: close\r\n\r\n{"status":"ok","link_level":1}'
)
HUB_MS = 1_795_492_212_000


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


class Answering:
    """A TLS (or plain) server that says one thing to whoever asks."""

    def __init__(self, keys: Path, answer: bytes, *, secure: bool = True) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._context = tls.ensure(keys, SystemClock().now_ms()).context() if secure else None
        self._answer = answer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            line, _ = self._listener.accept()
            with line:
                if self._context is None:
                    line.sendall(self._answer)
                    return
                with self._context.wrap_socket(line, server_side=True) as secure:
                    secure.recv(4096)
                    secure.sendall(self._answer)
        except (OSError, ssl.SSLError):
            pass

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def findings(port: int, clock: ManualClock) -> dict[str, doctor.Finding]:
    return {finding.check: finding for finding in doctor.reach(f"127.0.0.1:{port}", clock)}


@pytest.mark.parametrize(
    ("offset_s", "state", "word"), [(0, "ok", "behind"), (-3600, "warn", "behind"), (3600, "warn", "ahead")]
)
def test_a_hub_that_answers_and_its_clock(keys: Path, offset_s: int, state: str, word: str) -> None:
    server = Answering(keys, HEALTH)
    found = findings(server.port, ManualClock(now_ms=HUB_MS + offset_s * 1000))
    server.close()
    assert found["hub"].state == "ok"
    assert found["clock"].state == state
    assert offset_s == 0 or word in found["clock"].text


@pytest.mark.parametrize(
    ("answer", "secure", "words"),
    [(b"HTTP/1.1 200 OK\r\n\r\nhello", True, "no Soundpost hub"), (b"SSH-2.0-x\r\n", False, "does not speak TLS")],
)
def test_something_else_answers(keys: Path, answer: bytes, secure: bool, words: str) -> None:
    server = Answering(keys, answer, secure=secure)
    found = findings(server.port, ManualClock())
    server.close()
    assert found["hub"].state == "fail"
    assert words in found["hub"].text
    assert found["hub"].advice


def test_nobody_answers(free_port: int) -> None:
    found = findings(free_port, ManualClock())
    assert (found["hub"].state, "refuses" in found["hub"].text) == ("fail", True)


def test_ports_and_disk(free_port: int, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        first, second = doctor.listening((free_port, port))
    assert (first.state, second.state) == ("ok", "warn")
    assert "--port" in second.advice
    assert [finding.state for finding in doctor.disk(tmp_path)] == ["ok"]


def test_a_certificate_near_its_end(tmp_path: Path) -> None:
    from soundpost.kernel.settings import keys_folder

    clock = ManualClock()
    tls.ensure(keys_folder(tmp_path), clock.now_ms())
    states = {f.state for f in doctor.certificate(tmp_path, clock)}
    assert states == {"ok"}
    clock.jump((tls.LEAF_DAYS - 5) * 86_400)
    assert "warn" in {f.state for f in doctor.certificate(tmp_path, clock)}


def test_the_ranges_an_agent_would_sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOUNDPOST_AGENT_SUBNETS", "127.20.0.0/24:10023")
    swept = [finding for finding in doctor.subnets(tmp_path) if finding.state == "ok"]
    assert [("127.20.0.0/24:10023" in finding.text) for finding in swept] == [True]


def test_the_exit_code_and_json(capsys: pytest.CaptureFixture[str], tmp_path: Path, free_port: int) -> None:
    import json

    assert doctor.run(data=tmp_path, hub=None, ports=(free_port, free_port), as_json=True) == 0
    assert {f["check"] for f in json.loads(capsys.readouterr().out)} >= {"disk", "port", "subnet", "certificate"}
    assert doctor.run(data=tmp_path, hub=f"127.0.0.1:{free_port}", ports=(free_port, free_port), as_json=False) == 1
    assert "▲ fail  hub" in capsys.readouterr().out


async def test_databases_are_looked_at_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub" / "soundpost.db"
    path.parent.mkdir()
    async with Store(path, SystemClock()):
        pass
    whole = path.read_bytes()
    assert [(f.state, "sound" in f.text) for f in doctor.databases(tmp_path)] == [("ok", True)]
    with sqlite3.connect(path) as line:
        line.execute("UPDATE alembic_version SET version_num = '9999'")
    assert [(f.state, "newer version" in f.text) for f in doctor.databases(tmp_path)] == [("fail", True)]
    path.write_bytes(whole[: len(whole) // 2])
    assert [(f.state, "(database_damaged)" in f.text) for f in doctor.databases(tmp_path)] == [("fail", True)]
    assert path.stat().st_size == len(whole) // 2
    path.unlink()
    assert [f.text for f in doctor.databases(tmp_path)] == ["None yet: it is made at the first start."]


def test_an_agents_database_in_use_is_no_fault(tmp_path: Path) -> None:
    line = sqlite3.connect(tmp_path / "agent.db", isolation_level=None)
    line.execute("CREATE TABLE t (x)")
    line.execute("BEGIN EXCLUSIVE")
    assert [(f.state, "in use" in f.text) for f in doctor.databases(tmp_path)] == [("ok", True)]
    line.close()
