"""What the agents' door decides, without a clock and without a disk: names, refusals, boots, clocks, admission."""

import hashlib
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from soundpost.device.model import Reason
from soundpost.hub.agents import states
from soundpost.kernel.errors import Invalid
from soundpost.link import level
from soundpost.link.envelope import Refused

NEVER, CONNECTED, LOST, REFUSED, HELD_TWICE = (
    states.NEVER,
    states.CONNECTED,
    states.LOST,
    states.REFUSED,
    states.HELD_TWICE,
)
Past = states.Past

NAME_MOST = 64
BOOTS_KEPT, KEYS_KEPT = 256, 16
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Limits(Struct, frozen=True):
    """Seconds and counts of the door. Tests and benches shorten them."""

    beat_s: float = 10.0
    silent_beats: int = 3
    closed_grace_s: float = 5.0
    """A line that closed without a goodbye: an agent that is back within this was never lost."""
    start_grace_s: float = 60.0
    """After a hub start or takeover nobody is lost sooner (T6)."""
    handshake_s: float = 15.0
    admit_rate: float = 100.0
    admit_burst: float = 200.0
    strangers: int = 256
    """Connections that have not said hello yet."""
    hashes_waiting: int = 16
    devices: int = 50_000
    schemas: int = 5_000
    questions: int = 64
    """GoAsk and Seen of one session that wait for their answer."""
    save_scans_s: float = 60.0
    fetch_s: float = 10.0
    """How long a person waits for a transcript."""


class Tries(Struct):
    """Refused tries on one name since its holder was last let in."""

    code: str
    count: int
    address: str
    time_ms: int


def check_name(name: str) -> str:
    """The name to store, without spaces around it."""
    clean = " ".join(name.split())
    if not clean or len(clean) > NAME_MOST or not clean.isprintable():
        raise Invalid(
            f"Choose a name of 1 to {NAME_MOST} characters; name it after the place.",
            code="invalid_argument",
            field="name",
        )
    return clean


def generated_password(pick: Callable[[str], str]) -> str:
    """Four groups of five characters that can't be mistaken for one another: 99 bits."""
    return "-".join("".join(pick(LETTERS) for _ in range(5)) for _ in range(4))


def fingerprint(public_key: bytes | None) -> str:
    """SHA-256 of the key, in pairs, as a person compares it; "" without a key."""
    return hashlib.sha256(public_key).digest().hex(":").upper() if public_key else ""


# Refusals ------------------------------------------------------------------------------------------------------------

SENTENCES: dict[str, tuple[str, bool]] = {
    "unknown_account": (
        "This hub has no server account named {name}. Check the name, or ask an administrator to add the account under Servers.",
        True,
    ),
    "wrong_password": (
        "The password for {name} is wrong. Type it again, or ask an administrator for a new one (Servers > New password).",
        True,
    ),
    "account_held": (
        "Another machine holds the account {name}. To move it to this machine, ask an administrator to hand it over "
        "(Servers > Move to a new machine) and use the new password.",
        True,
    ),
    "held_twice": (
        "Two machines use the account {name} with the same key. Both are kept out until an administrator hands the account over "
        "to one of them (Servers > Hand over).",
        True,
    ),
    "level_too_old": (
        "This server speaks link level {theirs}, and the hub needs at least {ours}. Upgrade Soundpost on this server.",
        True,
    ),
    "level_too_new": (
        "This server needs link level {theirs}, and the hub speaks up to {ours}. Upgrade the hub, or install its version here.",
        True,
    ),
    "bad_signature": (
        "The key of this server does not fit the account {name}. Join again with name and password after an administrator handed "
        "the account over.",
        True,
    ),
    "key_revoked": (
        "The hub no longer accepts this server's key: its account was deleted or handed over. Join again with a name and password "
        "from an administrator.",
        True,
    ),
    "not_an_agent": (
        "{name} is a person's sign-in name, not a server account. Ask an administrator to add a server account and use its name.",
        True,
    ),
    "other_site": (
        "This machine belongs to the site {site}, and the account {name} is for the site {own_site}. Ask an administrator for an "
        "account that takes over {site}, or start with an empty data folder here.",
        True,
    ),
    "busy": ("The hub is busy; this server tries again by itself.", False),
    "too_many_tries": ("Too many wrong passwords for {name} from here; this server may try again later.", False),
    "replaced": ("A newer connection of this server took over.", False),
    "account_deleted": (
        "The account {name} was deleted at the hub. This server goes on by itself; join again with another account.",
        True,
    ),
    "handed_over": (
        "The account {name} was handed over. To use it here, join again with the new password; else leave this server apart.",
        True,
    ),
    "not_committed": ("The hub could not store what was sent; this server sends it again.", False),
    "too_slow": ("Nothing was heard in time; this server connects again.", False),
    "stopping": ("The hub is stopping; this server connects again.", False),
    "tls_needed": ("The hub takes servers over TLS only. Use its https:// or wss:// address.", True),
    "key_unusable": ("The key this server brought is not an Ed25519 key. Upgrade Soundpost on this server.", True),
}


def refusal(code: str, *, retry_after_s: float = 0.0, **params: str | int | float) -> Refused:
    sentence, final = SENTENCES[code]
    return Refused(code=code, text=sentence.format_map(params), params=params, final=final, retry_after_s=retry_after_s)


def check_level(theirs: int, lowest: int) -> int | Refused:
    agreed = level.agreed(level.LEVEL, level.LOWEST, theirs, lowest)
    if agreed is not None:
        return agreed
    if theirs < level.LOWEST:
        return refusal("level_too_old", theirs=theirs, ours=level.LOWEST)
    return refusal("level_too_new", theirs=lowest, ours=level.LEVEL)


def tries_reason(tries: Tries) -> Reason:
    """What stands on the server's row: "Wrong password, 14 tries, last from 10.50.0.4."."""
    what = {
        "wrong_password": "Wrong password",
        "too_many_tries": "Wrong password",
        "account_held": "Another machine tries this account",
        "bad_signature": "A key that does not fit",
        "key_revoked": "A key that was taken away",
        "other_site": "A machine of another site",
        "level_too_old": "A server that is too old for this hub",
        "level_too_new": "A server that is too new for this hub",
    }.get(tries.code, "Refused")
    count = "1 try" if tries.count == 1 else f"{tries.count} tries"
    return Reason(
        tries.code,
        f"{what}, {count}, last from {tries.address}.",
        {"tries": tries.count, "address": tries.address, "time_ms": tries.time_ms},
    )


def held_twice_reason(one: str, other: str) -> Reason:
    return Reason(
        "held_twice",
        f"Two machines use this account with one key, last from {one} and {other}. Hand it over to one of them.",
        {"one": one, "other": other},
    )


def lost_reason(silent: bool, address: str) -> Reason:
    if silent:
        return Reason("agent_silent", f"Nothing was heard from {address} for three beats.", {"address": address})
    return Reason("agent_gone", f"The line from {address} closed and nobody came back.", {"address": address})


AGENT_STOPPED = Reason("agent_stopped", "The server was stopped at its site.")
AWAITED_SINCE_START = Reason("agent_awaited", "The hub started a moment ago and this server is not back yet.")
NOT_BACK = Reason("agent_not_back", "It did not come back after the hub started.")
NOT_COMMITTED = Reason("not_committed", "The hub could not store what was sent. Check the free space of its own disk.")
FAREWELLS = {
    "disk_failed": Reason(
        "disk_failed",
        "The server can't write to its disk, so it can't tell what happens at its site. Free some space there, or check the "
        "rights of its data folder.",
    )
}
"""Why an agent ends a link of its own accord, by the code it gives."""
NEVER_CONNECTED = Reason("agent_never", "No server has connected for this site yet.")


def is_zone(zone: str) -> bool:
    """Shaped like an IANA time zone name; whether it exists is the reader's business."""
    return 0 < len(zone) <= 64 and zone.isascii() and zone.isprintable() and " " not in zone


# Boots ---------------------------------------------------------------------------------------------------------------


def judge_boot(current: str, past: Past, boot: str) -> Past | None:
    """What is past once `boot` is the living one; None when it was replaced before, which proves two holders (T28)."""
    if boot in past.boots:
        return None
    if not current or current == boot:
        return past
    return Past([*past.boots, current][-BOOTS_KEPT:], past.keys)


def retire(past: Past, key: bytes | None) -> Past:
    """The key's holder has a newer one: the boots stay known."""
    return Past(past.boots, [*past.keys, key][-KEYS_KEPT:] if key else past.keys)


def revoke(past: Past, key: bytes | None) -> Past:
    """A new holder starts with a clean list of boots; the old key is remembered as taken away."""
    return Past([], [*past.keys, key][-KEYS_KEPT:] if key else past.keys)


# Clocks --------------------------------------------------------------------------------------------------------------

WINDOW = 8
JUMP_MS = 2_000


class ClockOffset:
    """Hub clock minus agent clock, from what is heard (NTP-lite, T25).

    What an agent stamped left it before it was heard here, so `heard − stamped` is the offset plus the way here: the least of
    the last samples is the best. Where the agent says how long it held our beat, half of the least round trip is taken off.
    """

    def __init__(self) -> None:
        self._above: deque[int] = deque(maxlen=WINDOW)
        self._trips: deque[int] = deque(maxlen=WINDOW)

    def heard(self, agent_ms: int, now_ms: int, echo_ms: int = 0, held_ms: int = -1) -> None:
        above = now_ms - agent_ms
        if (
            self._above and abs(above - min(self._above)) > JUMP_MS
        ):  # one of the clocks was set, or the line stood still
            self._above.clear()
        self._above.append(above)
        if echo_ms and held_ms >= 0 and (trip := now_ms - echo_ms - held_ms) >= 0:
            self._trips.append(trip)

    @property
    def delay_ms(self) -> int | None:
        return min(self._trips) // 2 if self._trips else None

    @property
    def ms(self) -> int:
        return min(self._above) - (self.delay_ms or 0) if self._above else 0


# Admission -----------------------------------------------------------------------------------------------------------


class Bucket:
    """How many may come in: `burst` at once, then `rate` a second (T33)."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, 0.0
        self._behind = 0

    def take(self, now: float) -> float:
        """0 = come in; else seconds after which to try again, longer the more were sent away."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1.0:
            self._left -= 1.0
            self._behind = 0
            return 0.0
        self._behind += 1
        return 1.0 + self._behind / self._rate
