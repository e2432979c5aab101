"""Whatever the hub writes to its log is told in words on the screens."""

import re
from pathlib import Path


def test_every_fact_the_hub_writes_has_words_in_each_language() -> None:
    root = Path(__file__).parents[4]
    source = "\n".join(file.read_text() for file in (root / "src/soundpost/hub").rglob("*.py"))
    types = set(re.findall(r"\btx\.log\(\s*\"([a-z_.]+)\"", source))
    assert {"person.removed", "person.invited", "command.accepted", "hub.restored"} <= types
    for language in ("en", "de", "es"):
        words = (root / f"web/src/words/{language}.ts").read_text()
        missing = sorted(type for type in types if f'"event.{type}"' not in words)
        assert not missing, f"{language}.ts has no words for these facts: add event.<type> for {missing}"
