"""What a person types wrong at the command line: one sentence and a code, never a traceback, and nothing is made on disk."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.programs import Program, eventually

from soundpost.wire import tape


def soundpost(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "SOUNDPOST_AGENT_SUBNETS": "127.20.0.0/24:10023", **environment}
    return subprocess.run(
        [sys.executable, "-m", "soundpost.cli.main", *words],
        capture_output=True, text=True, timeout=60, env=environ, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


RECORD = ("agent", "record")
SIMULATE = ("simulate", "--port", "0", "--control-port", "0")
REPLAY = ("simulate", "--port", "0", "--replay")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("hub", "--port", "99999"), "port_invalid"),
        (("agent", "--port", "-1"), "port_invalid"),
        (("hub", "--database", "postgresql://soundpost:hush-hush@127.0.0.1:1/none"), "database_unreachable"),
        (("hub", "--database", "mysql://soundpost:hush-hush@127.0.0.1/none"), "database_address"),
        ((*SIMULATE, "--site", "London"), "site_invalid"),
        ((*SIMULATE, "--stacks", "0"), "stacks_invalid"),
        (("simulate", "--port", "0", "--control-port", "70000"), "port_invalid"),
        ((*SIMULATE, "--bma360d", "-1"), "arrays_invalid"),
        ((*SIMULATE, "--assume", "locate=maybe"), "switches_invalid"),
        ((*SIMULATE, "--scene", "wild"), "scene_unknown"),
        ((*SIMULATE, "--scene", "none.yaml"), "scene_unreadable"),
        ((*REPLAY, "none.tape"), "transcript_unreadable"),
        ((*REPLAY, __file__), "transcript_invalid"),
        ((*REPLAY, "none.tape", "--stacks", "3"), "replay_alone"),
        ((*REPLAY, "none.tape", "--scene", "lively"), "replay_alone"),
        ((*SIMULATE, "--pace", "1"), "pace_alone"),
        ((*RECORD, "127.28.9.1:99999"), "host_invalid"),
        ((*RECORD, "telnet://127.28.9.1"), "host_invalid"),
        ((*RECORD, "127.28.9.1", "--family", "toaster"), "family_unknown"),
        ((*RECORD, "127.28.9.1", "--seconds", "0"), "seconds_invalid"),
        ((*RECORD, "127.28.9.1", "--out", "/nowhere/at/all.tape"), "folder_missing"),
        ((*RECORD, "127.28.9.1", "--out", __file__), "file_exists"),
    ],
)
def test_one_sentence_and_a_code(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    data = () if words[0] == "simulate" or words[1] == "record" else ("--data", str(tmp_path / "data"))
    told = soundpost(*words, *data)
    assert told.returncode == 2
    assert told.stderr.strip().splitlines()[-1].endswith(f"({code})")
    assert "Traceback" not in told.stderr
    assert "hush-hush" not in told.stderr + told.stdout


def test_a_folder_spelt_wrong_stays_unmade(tmp_path: Path) -> None:
    nowhere = tmp_path / "typo"
    told = soundpost("agent", "reset-password", "owner", "--data", str(nowhere))
    assert (told.returncode, "(data_folder)" in told.stderr) == (2, True)
    soundpost("doctor", "--data", str(nowhere), "--port", "0", "--tls-port", "0")
    assert not nowhere.exists()
    assert not nowhere.with_name("typo.keys").exists()


def test_a_line_is_recorded_and_its_password_is_not(tmp_path: Path) -> None:
    """Signed in, refused and nobody there: each leaves a tape that says so, and none replaces another."""
    simulator = Program(
        "simulate", "--stacks", "1", "--network", "127.28.9.0/28", "--port", "10023", "--control-port", "0", "--quiet"
    )
    try:
        told = [
            record(tmp_path, "127.28.9.1:10023", "--seconds", "3"),
            record(tmp_path, "127.28.9.1:10023", "--seconds", "3", "--user", "clearone", typed="wrong-hush"),
            record(tmp_path, "127.28.9.2:10023", "--seconds", "1", "--out", "nobody.tape"),
        ]
    finally:
        simulator.stop()
    assert [one.returncode for one in told] == [0, 2, 2], [one.stderr for one in told]
    assert "refuses this user name and password" in told[1].stderr and "(sign_in_refused)" in told[1].stderr
    assert "(never_answered)" in told[2].stderr
    assert "values read" in told[0].stdout
    good, refused, nobody = (
        (tmp_path / name).read_bytes() for name in ("127.28.9.1-10023.tape", "127.28.9.1-10023-2.tape", "nobody.tape")
    )
    assert b"VERSION" in b"".join(entry.data for entry in tape.parse(good))
    assert b"Password" in b"".join(entry.data for entry in tape.parse(refused))
    assert not [entry for entry in tape.parse(nobody) if entry.way is tape.Way.FROM]
    said = b"".join((good, refused, nobody, *((one.stdout + one.stderr).encode() for one in told)))
    assert b"wrong-hush" not in said
    assert b"converge\\r" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="signals there are of another kind")
def test_ctrl_c_is_heard_while_a_password_is_awaited() -> None:
    """From a pipe that stays open, also where a shell started it deaf to the signal, as it does with what runs beside it."""
    words = [sys.executable, "-m", "soundpost.cli.main", *RECORD, "127.28.9.1", "--user", "clearone"]
    deaf = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        eventually("it listens", lambda: hears(deaf.pid, signal.SIGINT))
        deaf.send_signal(signal.SIGINT)
        assert deaf.wait(30) == 130
    finally:
        deaf.kill()
        deaf.communicate()


def hears(pid: int, number: int) -> bool:
    """Linux says which signals a process catches."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("there is no /proc here")
    caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_a_recorded_line_is_played_to_the_driver_that_was_recorded(tmp_path: Path) -> None:
    """For a while shorter than the recording, so that it is not asked for more; another client is told where it strays."""
    array = ("--stacks", "0", "--bma360d", "1", "--network", "127.28.9.16/28", "--control-port", "0", "--quiet")
    simulator = Program("simulate", *array)
    family = ("--family", "bma360d", "--seconds")
    try:
        first = record(tmp_path, "127.28.9.16:3603", *family, "5", "--out", "first.tape")
    finally:
        simulator.stop()
    player = Program("simulate", "--replay", str(tmp_path / "first.tape"), "--port", "0")
    try:
        second = record(tmp_path, player.ready["replay"], *family, "2", "--out", "second.tape")
    finally:
        followed = player.stop()
    assert [first.returncode, second.returncode, followed] == [0, 0, 0], first.stderr + second.stderr
    assert "microphone BMA 360D" in second.stdout
    assert " values read" in second.stdout
    assert "\n0 values" not in second.stdout
    player = Program("simulate", "--replay", str(tmp_path / "first.tape"), "--port", "0")
    host, _, port = player.ready["replay"].partition(":")
    with socket.create_connection((host, int(port))) as line, contextlib.suppress(ConnectionResetError):
        line.sendall(b"HELL\r\n")
        line.recv(1)
    assert player.stop() == 2


def record(folder: Path, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "soundpost.cli.main", *RECORD, *words],
        capture_output=True, text=True, timeout=60, cwd=folder, input=typed, check=False,
    )  # fmt: skip
