"""The table of codes against what the source raises, and against the browser's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import soundpost
from soundpost.hub.openapi_codes import CODES
from soundpost.hub.problems import BY_STATUS
from soundpost.kernel import errors

SOURCE = Path(soundpost.__file__).parent
WORDS = SOURCE.parents[1] / "web/src/words"
STATUS = {
    name: kind.status
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TellUser)
}
ELSEWHERE = {
    "hub/serve.py", "hub/tls.py", "hub/store/dialect.py", "hub/store/migrate.py",  # at the start, to who starts it
    "hub/agents/session.py", "hub/inventory/ingest.py",  # on the link, to an agent
    "hub/compat/rules.py", "hub/compat/api.py", "hub/compat/service.py", "hub/compat/protocol.py",  # an API of its own, for no browser
    "agent/settings.py", "agent/catalogue.py", "agent/conversation.py", "agent/uplink.py",  # at the start of an agent, and on its line
}  # fmt: skip
"""Rooms whose errors never are an answer of the API."""
AT_THE_START = {"settings", "disk_in_use", "database_older"}
"""Codes that are told to who starts the program, from rooms whose others are answers."""
FILLED_IN = {
    ("hub/mail/trial.py", "f'{channel}_not_set_up'"): ("mail_not_set_up", "sms_not_set_up"),
    ("editions/local_api.py", "error.code"): (
        "certificate_changed", "certificate_untrusted", "hub_name_differs", "no_ca", "no_tls", "not_a_hub",
    ),
}  # fmt: skip
"""Codes that are no literal, and what they can be."""


def sources() -> Iterator[Path]:
    yield from (SOURCE / "hub").rglob("*.py")
    yield from (SOURCE / "agent").rglob("*.py")
    yield SOURCE / "editions/local_api.py"


def raised() -> Iterator[tuple[str, int, str]]:
    """Each code a person can be told, with its status and where it stands."""
    for path in sources():
        name = path.relative_to(SOURCE).as_posix()
        if name in ELSEWHERE:
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in STATUS:
                where = f"src/soundpost/{name}:{call.lineno}"
                for code in codes_of(call, name, where):
                    yield code, STATUS[call.func.id], where


def codes_of(call: ast.Call, name: str, where: str) -> tuple[str, ...]:
    assert isinstance(call.func, ast.Name)
    said = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
    if said is None:
        return (getattr(errors, call.func.id).default_code,)
    if isinstance(said, ast.Constant):
        return (str(said.value),)
    filled = FILLED_IN.get((name, ast.unparse(said)))
    assert filled, (
        f"{where}: what can code={ast.unparse(said)} be? Say it under FILLED_IN in test_codes.py, or write a literal."
    )
    return filled


def test_each_code_that_can_be_raised_has_an_entry() -> None:
    for code, status, where in raised():
        if code in AT_THE_START:
            continue
        assert code in CODES, (
            f"{where} raises {code!r}: add a line for it to CODES in src/soundpost/hub/openapi_codes.py"
        )
        assert status in CODES[code].statuses, (
            f"{where} raises {code!r} as {status}; its line in openapi_codes.py says otherwise"
        )


def test_each_entry_can_be_raised() -> None:
    general = {code for code, _ in BY_STATUS.values()} | {"body_missing", "invalid_argument"}
    text = "\n".join(path.read_text() for path in sources() if "openapi_" not in path.name)
    filled = {code for codes in FILLED_IN.values() for code in codes}
    for code in CODES:
        assert code in general | filled or f'"{code}"' in text or code == errors.Retry.default_code, (
            f"nothing says {code!r} any more: take its line out of openapi_codes.py"
        )


def test_each_stands_in_order_and_says_a_whole_sentence() -> None:
    assert list(CODES) == sorted(CODES)
    for code, fault in CODES.items():
        assert fault.text.endswith((".", "?")), code


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_the_browser_has_words_for_each(language: str) -> None:
    known = set(re.findall(r'^ {2}"error\.(\w+)":', (WORDS / f"said.{language}.ts").read_text(), re.MULTILINE))
    for code in sorted(CODES):
        assert code in known or any(name.startswith(f"{code}_") for name in known), (
            f'the browser has no words for the code {code!r}: add "error.{code}" to web/src/words/said.{{en,de,es}}.ts'
        )
