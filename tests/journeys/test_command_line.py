"""What a person types wrong at the command line: one sentence and a code, never a traceback, and nothing is made on disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def soundpost(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "SOUNDPOST_AGENT_SUBNETS": "127.20.0.0/24:10023", **environment}
    return subprocess.run(
        [sys.executable, "-m", "soundpost.cli.main", *words],
        capture_output=True, text=True, timeout=60, env=environ, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


SIMULATE = ("simulate", "--port", "0", "--control-port", "0")


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
    ],
)
def test_one_sentence_and_a_code(tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    data = () if words[0] == "simulate" else ("--data", str(tmp_path / "data"))
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
