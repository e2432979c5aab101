"""When a message is tried again, when it is given up, and which numbers can be written to. Pure."""

import re

from msgspec import Struct

from soundpost.kernel import backoff
from soundpost.kernel.errors import Invalid

CHANNELS = ("mail", "sms")
LINKED = ("invitation", "password_reset")
"""Kinds that carry a link: they wait until the hub knows its own address."""
FIRST_S, MOST_S = 30.0, 3_600.0
GIVE_UP_MS = 3 * 86_400_000
WORTH_MS = 30 * 86_400_000
"""Longer than that no message waits, whatever it says."""
KEPT_MS = 30 * 86_400_000
SAID_MOST = 1_000

E164 = re.compile(r"^\+[1-9][0-9]{7,14}$")


class Outcome(Struct, frozen=True):
    """How an attempt ended. `sent`; `later`: this message again, others may go; `refused`: this message never; `down`: nothing can go
    out this way now. `words`: what the server said. `unsure`: the line was lost after the words were handed over."""

    kind: str
    words: str = ""
    unsure: bool = False


def check_number(number: str) -> str:
    """A telephone number in international form (E.164) without what people write between the digits: +442079460000."""
    bare = re.sub(r"[\s().\u00a0\u2010-\u2015/-]", "", number.strip())
    bare = "+" + bare[2:] if bare.startswith("00") else bare
    if not E164.match(bare):
        raise Invalid(
            "Enter the number with its country, like +44 20 7946 0000.", code="number_invalid", field="number"
        )
    return bare


def next_ms(now_ms: int, tries: int, chance: float) -> int:
    """When a message is tried again that was put off `tries` times: half a minute, doubling to an hour, with jitter."""
    return now_ms + int(1_000 * backoff.delay(tries, chance, first=FIRST_S, most=MOST_S, floor=FIRST_S / 2))


def given_up(now_ms: int, first_ms: int) -> bool:
    return first_ms > 0 and now_ms - first_ms >= GIVE_UP_MS


def short(words: str) -> str:
    """What a server said, on few lines and without control characters."""
    printable = "".join(ch if ch.isprintable() or ch == "\n" else " " for ch in words)
    return printable.strip()[:SAID_MOST]
