"""What roles and keys may do, which passwords and names are good enough, and how often a sign-in may fail. Pure."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

import idna
from msgspec import Struct

from soundpost.hub.organization.rules import envelope
from soundpost.kernel.errors import Conflict, Forbidden, Invalid, TooMany

Right = Literal["open", "see", "control", "administer", "own"]
RIGHTS: tuple[Right, ...] = ("open", "see", "control", "administer", "own")

ROLES: dict[str, frozenset[str]] = {
    "monitor": frozenset({"open", "see"}),
    "administrator": frozenset({"open", "see", "control", "administer"}),
    "owner": frozenset(RIGHTS),
}
"""What each role may do; a role can be limited to a part of the tree of places (`Principal.places`)."""
RANKS: tuple[str, ...] = ("monitor", "administrator", "owner")
INVITED, ACTIVE, DISABLED = "invited", "active", "disabled"
STATES = (INVITED, ACTIVE, DISABLED)
LOCKS = ("not_allowed", "owner_only", "beyond_part", "last_owner")
"""Why a person can't be changed by who reads: no right to; an owner, by somebody who is none; sees more than the reader; the last
owner."""
MOST_ADDRESSES = 500
INVITATION_MS = 7 * 86_400_000
SCOPES: dict[str, frozenset[str]] = {
    "read": frozenset({"open", "see"}),
    "control": frozenset({"open", "see", "control"}),
    "administer": frozenset({"open", "see", "control", "administer"}),
}

ABOUT_PEOPLE = ("person.", "session.", "key.")
"""How events begin that tell who came in, from where, and who was given what: for the eyes of those who may administer all of it."""

NAME_MOST = 254
QUOTED = re.compile(r'"[^"\n]{0,200}"(?=\s*<)')
"""A name beside an address, which may hold commas."""
PASSWORD_LEAST, PASSWORD_MOST = 10, 1_024
MAIL = re.compile(
    r"^[^@\s\x00-\x1f<>()\[\]\\\",;:]+@[^@\s\x00-\x1f<>()\[\]\\\",;:]+\.[^@\s\x00-\x1f<>()\[\]\\\",;:.]+$"
)
"""What a mail server takes without quoting: what would have to be quoted could be read as something else in a header."""


class Principal(Struct, frozen=True):
    """Who is signed in: a person by session (`session` = what the session is known by), or an API key."""

    kind: Literal["person", "key"]
    id: str
    name: str
    sign_in: str
    role: str
    rights: frozenset[str]
    session: str = ""
    places: frozenset[str] = frozenset()
    """The places it is limited to, with all below them; empty = everything."""
    within: frozenset[str] = frozenset()
    """Of an API key that is limited itself: the places its person is limited to. It sees what lies in both."""
    owner: str = ""
    """Of an API key: the person it belongs to, with whom it ends."""
    owner_name: str = ""
    language: str = ""
    zone: str = ""
    held_back: Literal["", "terms", "factor"] = ""
    """What this person must do before anything else: accept the terms that changed, set up the second factor that is demanded."""


def normal(sign_in: str) -> str:
    """Names are compared without case and without spaces around them, and a domain in the letters of the DNS is the one that people
    write. Lower case and not more: what else is folded makes ss of ß, which is another domain, and somebody else's."""
    name = unicodedata.normalize("NFC", sign_in.strip()).lower()
    local, at, domain = name.rpartition("@")
    if not at or len(name) > NAME_MOST or (domain.isascii() and "xn--" not in domain):
        return name
    try:
        return f"{local}@{idna.decode(idna.encode(domain, uts46=True))}"
    except (idna.IDNAError, UnicodeError):
        return name


def asked_name(sign_in: str) -> str:
    """As it is looked up when somebody claims to be called so; "" for what nobody can be called."""
    name = normal(sign_in)
    return name if len(name) <= NAME_MOST and name.isprintable() else ""


def check_name(sign_in: str, *, mail: bool) -> str:
    """The name to store; an e-mail address at the hub, any short printable name at a Local Agent."""
    name = normal(sign_in)
    if not name or len(name) > NAME_MOST or not name.isprintable():
        raise Invalid("Choose a sign-in name of 1 to 254 characters.", code="invalid_argument", field="sign_in")
    if mail and not MAIL.match(name):
        raise Invalid("The sign-in name must be an e-mail address.", code="invalid_argument", field="sign_in")
    if mail:
        envelope(name, "sign_in")  # one that no mail could be sent to is said here, not days later
    return name


def check_password(password: str, sign_in: str) -> None:
    if len(password) < PASSWORD_LEAST:
        raise weak(f"The password needs at least {PASSWORD_LEAST} characters.", "short")
    if len(password) > PASSWORD_MOST:
        raise weak(f"The password may have at most {PASSWORD_MOST} characters.", "long")
    if normal(password) == normal(sign_in):
        raise weak("The password must not be the sign-in name.", "name")
    if len(set(password)) < 3:
        raise weak("The password repeats too few characters.", "simple")


class Standing(Struct, frozen=True):
    """What the rules must know of a person."""

    id: str
    role: str
    state: str
    places: frozenset[str] = frozenset()
    ends_ms: int = 0

    def is_owner(self, now_ms: int) -> bool:
        """Counts as an owner who can still come in."""
        return self.role == "owner" and self.state == ACTIVE and not self.ended(now_ms)

    def ended(self, now_ms: int) -> bool:
        return 0 < self.ends_ms <= now_ms


def check_grant(actor: Principal, before: Standing | None, after: Standing | None) -> None:
    """Whether the actor may make `after` of `before` (None: somebody new; somebody removed). Nobody gives more than they have."""
    for standing in (before, after):
        if standing is not None and RANKS.index(standing.role) > RANKS.index(_rank(actor)):
            raise Forbidden("Only an owner may add, change or remove an owner.", code="not_allowed", right="own")
    if actor.places and after is not None and not after.places:
        raise Forbidden("You can give access to your own part of the places only.", code="not_allowed", right="own")


def check_other(actor: Principal, person: str) -> None:
    """What is done to somebody else's sign-in asks for no password; one's own does, so that a stolen session or key can't change it."""
    if person in (actor.id, actor.owner):
        raise Conflict("Change your own password and second factor under My Account.", code="own_sign_in")


def _rank(actor: Principal) -> str:
    return next((role for role in reversed(RANKS) if ROLES[role] <= actor.rights), RANKS[0])


def check_owner_left(people: Iterable[Standing], now_ms: int) -> None:
    """After a change: somebody must be able to own the place, now and for good."""
    if not any(person.is_owner(now_ms) and not person.ends_ms and not person.places for person in people):
        raise Conflict(
            "There must be an owner who can sign in, sees everything and does not end. Make somebody else owner first.",
            code="last_owner",
        )


def addresses(entry: str) -> list[str]:
    """What stands between commas, semicolons, spaces and line ends, in its order. As mail programs write them, `Ada <ada@example.org>`
    and `mailto:ada@example.org`, they are taken as well."""
    found: list[str] = []
    for piece in re.split(r"[,;\n]+", QUOTED.sub(" ", entry)):
        _, angled, rest = piece.partition("<")
        found += rest.partition(">")[0].split() if angled and ">" in rest else piece.split()
    found = [address[len("mailto:") :] if address.lower().startswith("mailto:") else address for address in found]
    if not found:
        raise Invalid("Enter at least one address.", code="invalid_argument", field="addresses")
    if len(found) > MOST_ADDRESSES:
        raise Invalid(f"Enter at most {MOST_ADDRESSES} addresses at once.", code="too_many", most=MOST_ADDRESSES)
    return found


def check_end(ends_ms: int, now_ms: int, field: str = "ends") -> int:
    if ends_ms and ends_ms <= now_ms:
        raise Invalid("The end must lie ahead.", code="invalid_argument", field=field)
    return ends_ms


def weak(text: str, why: str) -> Invalid:
    return Invalid(text, code="weak_password", field="password", why=why, minimum=PASSWORD_LEAST)


class Attempts:
    """Tries that failed, by whatever pair they are counted by, in memory: some are free, then each doubles the wait up to the longest.

    `take` counts a try before it is judged, so that a hundred at the same moment are a hundred; one that went well is given back."""

    FREE, LONGEST_S, FORGET_S, MOST = 5, 300.0, 900.0, 10_000

    def __init__(self, free: int = FREE, longest_s: float = LONGEST_S) -> None:
        self._free, self._longest_s = free, longest_s
        self._failed: dict[tuple[str, str], tuple[int, float]] = {}

    def check(self, key: tuple[str, str], now: float) -> None:
        count, last = self._failed.get(key, (0, now))
        if count < self._free or now - last >= self.FORGET_S:
            return
        wait = last + min(self._longest_s, 2.0 ** min(count - self._free, 32)) - now
        if wait > 0:
            seconds = int(wait) + 1
            raise TooMany(f"Too many failed attempts. Try again in {seconds} seconds.", retry_after_s=seconds)

    def failed(self, key: tuple[str, str], now: float) -> None:
        count, last = self._failed.pop(key, (0, now))
        if now - last >= self.FORGET_S:
            count = 0
        self._failed[key] = (count + 1, now)
        if len(self._failed) > self.MOST:  # re-inserting keeps the oldest first
            del self._failed[next(iter(self._failed))]

    def take(self, key: tuple[str, str], now: float) -> None:
        self.check(key, now)
        self.failed(key, now)

    def given_back(self, key: tuple[str, str]) -> None:
        """The last try counts no more; those before it do."""
        if key in self._failed:
            count, last = self._failed[key]
            self._failed[key] = (max(0, count - 1), last)

    def cleared(self, key: tuple[str, str]) -> None:
        self._failed.pop(key, None)


class Pace:
    """So many at once, then one each `every_s`, by key; whoever finds none left is not made to wait longer by it."""

    MOST = 10_000

    def __init__(self, every_s: float, burst: int) -> None:
        self._every_s, self._ahead_s = every_s, every_s * (burst - 1)
        self._due: dict[str, float] = {}

    def has(self, key: str, now: float) -> bool:
        return self._due.get(key, now) - now <= self._ahead_s

    def take(self, key: str, now: float) -> None:
        self._due[key] = max(self._due.pop(key, now), now) + self._every_s
        if len(self._due) > self.MOST:
            del self._due[next(iter(self._due))]


class Newcomers:
    """Who has hardly failed at a name yet, and may try although others keep it waiting. Three tries a day of each network (an
    IPv6 /48 is one, since anybody may have thousands of /64), of each name thirty at once and one each ten seconds, of all names two
    hundred and one each half second: what a thousand addresses could guess, and what it costs to judge, stays bounded."""

    TRIES, REMEMBER_S, MOST = 3, 86_400.0, 20_000
    NAME_S, NAME_BURST = 10.0, 30
    ALL_S, ALL_BURST = 0.5, 200

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str], tuple[int, float]] = {}
        self._of_name = Pace(self.NAME_S, self.NAME_BURST)
        self._of_all = Pace(self.ALL_S, self.ALL_BURST)

    def let_in(self, name: str, address: str, now: float) -> bool:
        if self._tries((network(address, 48), name), now) >= self.TRIES:
            return False
        if not (self._of_name.has(name, now) and self._of_all.has("", now)):
            return False
        self._of_name.take(name, now)
        self._of_all.take("", now)
        return True

    def tried(self, name: str, address: str, now: float) -> None:
        key = (network(address, 48), name)
        self._failed[key] = (self._tries(key, now) + 1, self._failed.pop(key, (0, now))[1])
        if len(self._failed) > self.MOST:
            del self._failed[next(iter(self._failed))]

    def went_well(self, name: str, address: str) -> None:
        self._failed.pop((network(address, 48), name), None)

    def _tries(self, key: tuple[str, str], now: float) -> int:
        count, first = self._failed.get(key, (0, now))
        if now - first >= self.REMEMBER_S:
            del self._failed[key]
            return 0
        return count


class Gate:
    """Who may try now (docs/decisions/0007). A browser that signed in as this name before counts by itself alone, so that nobody else
    can keep it out. A stranger counts by address and name, by name, and by address; the last two, which others share, wait
    a minute at most. Since others could renew that minute for ever, a name's wait does not hold for newcomers."""

    SHARED_S = 60.0

    def __init__(self) -> None:
        self._own = Attempts()
        self._by_name = Attempts(free=30, longest_s=self.SHARED_S)
        self._by_address = Attempts(free=50, longest_s=self.SHARED_S)
        self._newcomers = Newcomers()

    def take(self, name: str, address: str, browser: str, now: float, *, what: str = "") -> None:
        """`browser`: what a browser that came in as `name` before is known by, "" for a stranger. `what` is tried, "" for the password:
        of anything else, which is asked for after it, newcomers wait as well. Raises TooMany."""
        counted = self._counted(what + name, address, browser)
        for attempts, key in counted:
            if attempts is not self._by_name:
                attempts.check(key, now)
        if not browser:
            self._check_name(name, address, now, what)
        for attempts, key in counted:
            attempts.failed(key, now)

    def _check_name(self, name: str, address: str, now: float, what: str) -> None:
        try:
            self._by_name.check(("", what + name), now)
        except TooMany:
            if what or not self._newcomers.let_in(name, address, now):
                raise
        if not what:
            self._newcomers.tried(name, address, now)

    def went_well(self, name: str, address: str, browser: str, *, what: str = "") -> None:
        (own, key), *shared = self._counted(what + name, address, browser)
        own.cleared(key)
        for attempts, each in shared:
            attempts.given_back(each)
        if not browser and not what:
            self._newcomers.went_well(name, address)

    def _counted(self, name: str, address: str, browser: str) -> list[tuple[Attempts, tuple[str, str]]]:
        if browser:
            return [(self._own, ("\0browser " + browser, name))]
        home = network(address)
        return [(self._own, (home, name)), (self._by_name, ("", name)), (self._by_address, (home, ""))]


def network(address: str, bits: int = 64) -> str:
    """What one subscriber holds: an IPv4 address, or the /64 of an IPv6 address, of which anybody has 2^64; `bits`: or more of it."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, bits), strict=False))


Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def proxies(names: Iterable[str]) -> Networks:
    """Addresses and networks of reverse proxies, as the setting names them. Raises Invalid `settings`."""
    try:
        return tuple(ipaddress.ip_network(name, strict=False) for name in names)
    except ValueError as error:
        raise Invalid(f"trusted_proxies must name addresses or networks: {error}.", code="settings") from None


def is_trusted(address: str, trusted: Networks) -> bool:
    try:
        return any(ipaddress.ip_address(address.partition("%")[0]) in net for net in trusted)
    except ValueError:
        return False


def told_address(peer: str, forwarded: str, trusted: Networks) -> str:
    """Who asks: the connection's own address, or the last one of X-Forwarded-For that no trusted proxy wrote about itself. What is
    no address ends the list: a client can write whatever it likes to the left of it."""
    found = peer
    for part in (peer, *reversed([part.strip() for part in forwarded.split(",")])):
        try:
            found = str(ipaddress.ip_address(part.partition("%")[0]))
        except ValueError:
            return found
        if not is_trusted(found, trusted):
            return found
    return found


def terms_due(holds: int, accepted: int, since_ms: int, begun_ms: int) -> bool:
    """Whether a session that began then must accept the terms first: a new revision is asked for at the next sign-in, and interrupts
    nobody (decision 0012). `holds`, `accepted`: revisions."""
    return holds > accepted and begun_ms >= since_ms


# --- second factor, tickets, numbers

METHODS: tuple[str, ...] = ("password",)
SECOND_METHODS: tuple[str, ...] = ("totp", "recovery")
"""How somebody can prove who they are, first and second; passkeys and single sign-on will stand beside these."""
RESET, SECOND, NUMBER = "password_reset", "sign_in", "number_code"
LASTS_MS = {RESET: 3_600_000, SECOND: 300_000, NUMBER: 600_000}
MOST_TRIES, MOST_LINKS = 5, 3
STEP_S, CODES = 30, 10
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def demanded(policy: str, role: str) -> bool:
    return policy == "everybody" or (policy == "administrators" and role in ("administrator", "owner"))


def steps(now_ms: int) -> tuple[int, ...]:
    """The time steps whose codes are good: clocks of telephones are some seconds off."""
    step = now_ms // 1000 // STEP_S
    return step - 1, step, step + 1


def recovery_code(random: bytes) -> str:
    """Of 16 random bytes, for a person to write down: XXXX-XXXX-XXXX-XXXX, 78 bits."""
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in random[:16])
    return "-".join(letters[n : n + 4] for n in range(0, 16, 4))


def plain_code(typed: str) -> str:
    """As it is compared: without what people put between."""
    return re.sub(r"[\s-]", "", typed).upper()


def check_number(typed: str) -> str:
    """An E.164 number, the spaces, dots, dashes and brackets people write taken out."""
    number = re.sub(r"[\s().\-/]", "", typed)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise Invalid(
            "Enter the number with + and the country in front, such as +44 20 7946 0958.",
            code="invalid_number",
            field="number",
        )
    return number


def masked(number: str) -> str:
    """For the audit: enough to tell two numbers apart."""
    return f"…{number[-3:]}" if number else ""
