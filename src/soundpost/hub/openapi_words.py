"""Words of the API document: what it is, its tags, its ways in, its parameters. Each tag and each parameter a route uses has a line
here, or a description beside the route; a test names those that lack one.
"""

from typing import Any

from soundpost.device.model import Kind, Status
from soundpost.hub.audit import asked
from soundpost.hub.inventory import query, rules
from soundpost.hub.mail import states as mail_states
from soundpost.hub.store import pages

Part = dict[str, Any]

ABOUT = """The API of a Soundpost hub, or of a Local Agent. Its own pages use nothing else.

**Signing in.** By the session cookie of a signed-in browser (then what changes something must carry the page's own `Origin`), or by
an API key, as `X-Api-Key: …` or as `Authorization: Bearer …`. Each operation names its right: *open* (nobody signed in), *see*,
*control*, *administer*, *own*. Monitors have *see*; administrators *see*, *control* and *administer*; owners all. A key has those of
its scope that its person has at that moment. Who is limited to a part of the places is told of that part only: what lies outside answers
as if it were not there.

**Errors.** Problem JSON (RFC 9457) on every path, with a stable `code` for programs, `params` for its figures and `detail`, a sentence
that says what to do. `429` and some `503` carry `Retry-After`.

**Strict.** Parameters and fields that are not named here are refused, as are texts with NUL, integers beyond 64 bits, bodies deeper than
32 levels or larger than 1 MiB. Bodies are `application/json`.

**Lists** come in pages: `limit` and an opaque `cursor`; `next` in the answer is the cursor of the next page, null at the end.

**Times** are RFC 3339 in UTC with milliseconds and `Z`. Ids are a prefix and 26 characters: `dev_06hq8v3k4r0f5a2s7t9b1c3d5e`."""

TAGS = {
    "Session": "Signing in and out, the first run, forgotten passwords.",
    "Account": "One's own profile, sessions, number and second factor. For people; an API key has none.",
    "Inventory": "Devices with their values and history, what was found, the summary, and facts.",
    "Places": "The tree of places, which devices are where, rules that put them there, tables of rooms.",
    "Commands": "Asking a device for something, and how that went. *Accepted* is not *done*: read the command, or the live topic.",
    "Sites and servers": "The sites, and the accounts by which their agents (servers) join.",
    "Users": "Who may come in, in which role, where, and until when.",
    "API keys": "Keys for programs. A key belongs to a person and never does more than that person may do now.",
    "Views": "Named filters of lists, one's own and shared ones.",
    "Organization": "Name, mail, text messages, terms, and what waits to be sent.",
    "Reports": "What is looked through from time to time: who may come in.",
    "Audit": "Who did what, when, from where.",
    "Local Agent": "On a Local Agent only: its line to the central hub, its sign-ins for devices, its discovery, its ceiling.",
    "Live": """`GET /api/v1/live` upgraded to a WebSocket; right *see*, by cookie with a matching `Origin`, or by key. In:
`{"subscribe":["summary","device:dev_…","list:kind=mixer&status=offline"]}`, `{"unsubscribe":[…]}`, `{"ping":1}`. Out:
`{"topic","type":"snapshot|change|gone","seq","data"}`, where `data` is what REST answers, or its changed fields; `seq` counts per topic
from 1, and a gap means: subscribe again. A refused topic is answered with `{"topic","type":"error","data":problem}`. Topics: `summary`,
`list:QUERY`, `device:ID`, `agents`, `agent:ID`, `found`, `events`, `locations`, `external`, `messages`, `users`, `views`, `keys`, `audit`.
Who is not signed in is refused before the upgrade (403); the socket of a session that ends is closed with 4401, of a hub that stops
with 1001.""",
}

SECURITY: dict[str, Part] = {
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "soundpost",
        "description": "The session of a signed-in browser. The cookie's name goes on with _ and the first 8 characters of `instance` "
        "(GET /api/v1/session), and over TLS with _tls.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "An API key. It counts before a cookie, and before what stands in Authorization.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, as `Authorization: Bearer …`."},
}

RIGHTS = {
    "open": "Nobody needs to be signed in.",
    "see": "Right *see*: everybody signed in, and every key.",
    "control": "Right *control*: administrators and owners, and keys of the scope control or administer.",
    "administer": "Right *administer*: administrators and owners, and keys of the scope administer.",
    "own": "Right *own*: owners.",
}

ANSWERS = {
    "200": "Done.",
    "201": "Made.",
    "202": "Accepted; it is carried out now.",
    "204": "Done; there is nothing to say.",
}
STATUS = {
    400: "What was sent is wrong:",
    401: "Nobody is signed in, or what proves it is wrong:",
    403: "Not allowed:",
    404: "Not there, or not for who asks:",
    409: "It clashes with what is there:",
    413: "Too large:",
    415: "Not JSON:",
    429: "Too often:",
    500: "A fault of this program:",
    502: "Another program refused:",
    503: "Not now:",
}
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds, where it is known.", "schema": {"type": "integer", "minimum": 0}}
}


def right(name: str, *, whole: bool) -> str:
    if whole:
        return f"{RIGHTS[name]} Not for who is limited to a part of the places."
    return RIGHTS[name]


def listed(*words: str) -> str:
    """A pattern for a comma list of these words."""
    one = "|".join(sorted(words))
    return f"^({one})(,({one}))*$"


def text(description: str, **more: Any) -> Part:
    return {"description": description, "schema": {"type": "string", "maxLength": 1_000, **more}}


def id_of(what: str, prefix: str) -> Part:
    return {
        "description": f"The id of the {what}.",
        "schema": {"type": "string", "examples": [f"{prefix}_06hq8v3k4r0f5a2s7t9b1c3d5e"]},
    }


LIMIT: Part = {
    "description": f"How many at most; {pages.LIMIT} unless told.",
    "schema": {"type": "integer", "minimum": 1, "maximum": pages.MOST, "default": pages.LIMIT},
}
PARAMETERS: dict[str, Part] = {
    "after": text("From this time on: RFC 3339; a day before `before` unless told."),
    "agent": text("The id of a server: what its site has."),
    "before": text("Until this time: RFC 3339; now unless told."),
    "caption": text("What the photo shows: the door, the rack.", maxLength=300),
    "cursor": text("`next` of the page before; belongs to the same question."),
    "device": text("The id of a device."),
    "firmware": text("A firmware version, exactly."),
    "hand_over": {
        "description": "Whether the link is shown, to be handed over, also where mail could carry it.",
        "schema": {"type": "boolean"},
    },
    "hanging": {
        "description": "What becomes of what hangs there: lift (to the place above), remove (it goes as well).",
        "schema": {"type": "string", "enum": ["", "lift", "remove"]},
    },
    "kind": text(
        "Kinds, with commas between; pro_audio stands for stack, mixer, microphone and expander.",
        pattern=listed(*map(str, Kind), "pro_audio"),
    ),
    "limit": LIMIT,
    "location": text("The id of a place: what is there or below it; none: what is nowhere."),
    "log": text("The id of the log that was read before; another one is answered with log_changed."),
    "model": text("A model, exactly."),
    "now": {
        "description": "Whether all rows are read again now, instead of what was found last.",
        "schema": {"type": "boolean"},
    },
    "order": {
        "description": "What the list is ordered by; with - in front: downward.",
        "schema": {"type": "string", "enum": [sign + name for name in sorted(query.ORDERS) for sign in ("", "-")]},
    },
    "parent": text("The id of a device: what hangs from it."),
    "q": text("Words to search for: name, serial, address, MAC, model, site and place."),
    "site": text("Ids of sites, with commas between."),
    "size": {
        "description": "small: at most 320 pixels wide and high; otherwise at most 1,600.",
        "schema": {"type": "string", "enum": ["", "small"]},
    },
    "stack": text("The id of a stack: its members."),
    "status": text(
        "Status as it is shown, with commas between; restarting: away because a restart was asked.",
        pattern=listed(*map(str, Status), rules.RESTARTING),
    ),
    "type": text("Types of facts, with commas between, such as device.status."),
    "which": {
        "description": "Messages of one state; held, waiting and failed unless told.",
        "schema": {"type": "string", "enum": list(mail_states.STATES)},
    },
    "agent_id": id_of("server", "agt"),
    "command_id": id_of("command", "cmd"),
    "device_id": id_of("device", "dev"),
    "found_id": text("The id of what was found: `<site>.<finding>`."),
    "key": text("The key of the point, such as mic.302.level.mute."),
    "location_id": id_of("place", "loc"),
    "message_id": id_of("message", "out"),
    "photo_id": id_of("photo", "pho"),
    "rule_id": id_of("rule", "rul"),
    "session_id": id_of("session", "ses"),
    "token": text("What the link ends with."),
    "key_id": id_of("key", "key"),
    "user_id": id_of("person", "usr"),
    "stream_id": id_of("receiver", "str"),
    "view_id": id_of("view", "viw"),
    "Idempotency-Key": text(
        "Made up by who asks, so that asking again is no second command: within a day the same key is answered with the same command."
    ),
}
"""By name; a name that means something else on one path has `name of path` for it."""
FACT_ID = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
PARAMETERS |= {
    "site of /api/v1/found": text("The id of a site."),
    "site of /api/v1/events": text("The id of a site."),
    "location of /api/v1/events": text("The id of a place: of the devices that are there or below it now."),
    "after of /api/v1/events": {
        "description": "The id of a fact: those that came after it, upward.",
        "schema": FACT_ID,
    },
    "before of /api/v1/events": {"description": "The id of a fact: those before it, newest first.", "schema": FACT_ID},
}
AUDIT: dict[str, Part] = {
    "kind": text("Who acted: kinds, with commas between.", pattern=listed(*asked.KINDS)),
    "who": text("The id of a person, key or server: what they did.", maxLength=asked.TEXT_MOST),
    "act": text("Acts, with commas between: person.invited, or person.* for all of them.", pattern=asked.PATTERNS),
    "device": text("The id of a device: what was done to it.", maxLength=asked.TEXT_MOST),
    "subject": text("The id of what it was done to: a person, a place, a server.", maxLength=asked.TEXT_MOST),
    "address": text("The address it came from, exactly.", maxLength=asked.TEXT_MOST),
    "result": text("How it ended, with commas between: done, refused, failed, expired; open: not at all."),
    "from": text("What began at this time or after it: RFC 3339."),
    "until": text("What began at this time or before it: RFC 3339."),
    "q": text("Words, each of which stands somewhere in the act.", maxLength=asked.TEXT_MOST),
}
for _path in ("/api/v1/audit", "/api/v1/audit/export.csv", "/api/v1/audit/export.jsonl"):
    PARAMETERS |= {f"{name} of {_path}": part for name, part in AUDIT.items()}
FILES = {
    "image/jpeg": "the bytes of the file",
    "text/csv": "time,act,who\r\n2026-11-24T03:50:12.204Z,person.invited,Ada\r\n",
    "application/x-ndjson": '{"time":"2026-11-24T03:50:12.204Z","act":"person.invited","who":"Ada"}\n',
}
"""What files look like; any other text is a transcript."""
TRANSCRIPT = "12:00:01.204 > BOX 0 NAME\n"


def parameter(made: Part, path: str) -> Part:
    """Litestar's reading of one parameter, said in full. One that is described beside its route keeps those words."""
    known = PARAMETERS.get(f"{made['name']} of {path}") or PARAMETERS.get(made["name"], {})
    shape = known.get("schema") or without_null(made.get("schema", {}))
    said = made.get("description") or known.get("description", "")
    return {"name": made["name"], "in": made["in"], "required": made["required"], "description": said, "schema": shape}


def without_null(shape: Part) -> Part:
    """What may be left out is not null: an address has no null."""
    kept = [one for one in shape.get("oneOf", ()) if one.get("type") != "null"]
    return kept[0] if len(kept) == 1 else {**shape, "oneOf": kept} if kept else shape
