"""Audit rows as syslog messages (RFC 5424), framed by counted octets (RFC 6587). Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from soundpost.hub.audit.stream_rules import FACILITIES, Target

MESSAGE_MOST = 16 * 1024
"""Bytes; receivers must take 480 and should take 2,048. What stands with a row is left out of a longer one, and that is said."""
WARNING, NOTICE, INFO = 4, 5, 6
SEVERITIES = {"refused": WARNING, "failed": WARNING, "uncertain": WARNING, "expired": NOTICE, "unsupported": NOTICE}
FIELDS = ("n", "id", "phase", "act", "who_kind", "who_id", "who", "from", "device", "subject", "result")
NOT_PLAIN = re.compile(r"[^\x21-\x7e]")
NIL = "-"


def plain(text: str, most: int) -> str:
    """A field of the header: printable US-ASCII without spaces, `-` where there is nothing."""
    return NOT_PLAIN.sub("_", text)[:most] or NIL


def quoted(text: str) -> str:
    """A value of structured data: UTF-8, with the three characters that end it behind a backslash."""
    flat = "".join(ch if ch.isprintable() else " " for ch in text)
    return re.sub(r'(["\\\]])', r"\\\1", flat)


def data(name: str, fields: Mapping[str, object]) -> str:
    told = "".join(f' {key}="{quoted(str(value))}"' for key, value in fields.items() if value not in (None, ""))
    return f"[{name}{told}]"


def message(
    target: Target,
    host: str,
    version: str,
    *,
    time: str,
    id: str,
    severity: int,
    fields: Mapping[str, object],
    body: Mapping[str, Any],
) -> bytes:
    """`time`: RFC 3339 in UTC. `body` is the message itself, as JSON in US-ASCII."""
    head = f"<{FACILITIES[target.facility] * 8 + severity}>1 {time} {plain(host, 255)} Soundpost {NIL} {plain(id, 32)}"
    origin = data("origin", {"software": "Soundpost", "swVersion": version[:32]})
    own = data(f"audit@{target.enterprise}", fields)
    return f"{head} {origin}{own} {json.dumps(body, separators=(',', ':'))}".encode()


def of_row(target: Target, host: str, version: str, row: Mapping[str, Any], *, repeat: bool) -> bytes:
    """`row` as streams.told makes it."""
    fields = {name: row[name] for name in FIELDS} | ({"repeat": "1"} if repeat else {})
    severity = SEVERITIES.get(row["result"] or "", INFO)

    def made(detail: object) -> bytes:
        body = {"detail": detail, "mac": row["mac"]}
        return message(
            target, host, version, time=row["time"], id=row["act"], severity=severity, fields=fields, body=body
        )

    whole = made(row["detail"])
    return whole if len(whole) <= MESSAGE_MOST else made({"left_out": "too long"})


def framed(messages: Iterable[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(each), each) for each in messages)
