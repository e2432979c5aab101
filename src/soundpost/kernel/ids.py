"""Typed ids, minted in one place.

An id is `<prefix>_` + 26 lower-case base32hex characters of a UUIDv7, so ids sort by the time they were minted
and are safe in URLs. A uid is the 16 raw bytes: a fact's identity on the wire and on disk (truth T1).
"""

import os
import re
from collections.abc import Callable

Random = Callable[[int], bytes]
ALPHABET = "0123456789abcdefghijklmnopqrstuv"
PREFIXES = frozenset(
    {
        "dev",
        "sit",
        "agt",
        "cmd",
        "loc",
        "pho",
        "rul",
        "usr",
        "ask",
        "alr",
        "key",
        "ses",
        "hub",
        "log",
        "aud",
        "cred",
        "boot",
        "out",
        "viw",
        "str",
    }
)
SHAPE = re.compile(r"^([a-z]+)_([0-9a-v]{26})$")


def uid(now_ms: int, random: Random = os.urandom) -> bytes:
    """16 bytes: 48 bits of milliseconds, then 74 random bits with the version and variant of a UUIDv7."""
    tail = bytearray(random(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return (now_ms & 0xFFFF_FFFF_FFFF).to_bytes(6, "big") + bytes(tail)


def text(raw: bytes) -> str:
    """26 characters for 16 bytes, order kept."""
    number = int.from_bytes(raw, "big")
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def raw(body: str) -> bytes:
    """The 16 bytes behind the 26 characters of an id (without its prefix)."""
    number = 0
    for character in body:
        number = (number << 5) | ALPHABET.index(character)
    return number.to_bytes(17, "big")[-16:]


def mint(prefix: str, now_ms: int, random: Random = os.urandom) -> str:
    if prefix not in PREFIXES:
        raise ValueError(f"no id prefix {prefix!r}")
    return f"{prefix}_{text(uid(now_ms, random))}"


def is_id(prefix: str, value: str) -> bool:
    shape = SHAPE.match(value)
    return shape is not None and shape[1] == prefix
