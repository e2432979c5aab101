"""Examples of what is sent and answered, made from the shapes: a value that fits, by the field's name where it is known.

`SHAPES` holds whole examples where fields depend on each other; all else follows `NAMES`. A test holds each against its schema.
"""

from typing import Any

Part = dict[str, Any]
ID = "06hq8v3k4r0f5a2s7t9b1c3d5e"
TIME = "2026-11-24T03:50:12.204Z"

SHAPES: dict[str, Part] = {
    "CommandBody": {"capability": "locate", "arguments": {"on": True}},
    "CommandView": {
        "id": f"cmd_{ID}", "device": f"dev_{ID}", "capability": "locate", "arguments": {"on": True}, "status": "done", "reason": None,
        "result": None, "person": "Ada", "asked": TIME, "deadline": TIME, "ended": TIME, "assumed": False,
        "undo": {"capability": "locate", "arguments": {"on": False}},
    },
    "AddAgent": {"name": "London"},
    "AddRule": {"location": f"loc_{ID}", "name": "LON-*", "subnet": "10.0.0.0/24"},
    "NewPassword": {},
    "NewKey": {"name": "Room panel 4.12", "scope": "read", "places": [f"loc_{ID}"], "expires": TIME},
    "MadeKey": {
        "key": "sp_0ab1cd2e_Zt0fXyNf3gQwLr5sVb7nMk9pHj2dTc4xEa6uYi8oWe0",
        "item": {
            "id": f"key_{ID}", "name": "Room panel 4.12", "prefix": "sp_0ab1cd2e", "scope": "read", "scope_now": "read",
            "weaker": None, "places": [f"loc_{ID}"], "person": {"id": f"usr_{ID}", "name": "Ada"}, "mine": True, "created": TIME,
            "expires": TIME, "used": None, "used_from": "",
        },
    },
    "Sheet": {"text": "path,kind,zone\nLondon > HQ > Boardroom,room,Europe/London\n", "dry_run": True},
    "OrganizationChange": {"name": "Example Ltd", "mail": {"server": "mail.example.org", "port": 587, "security": "starttls"}},
    "ReasonView": {"code": "silent", "params": {}, "text": "The device does not answer."},
    "Need": {
        "status": "offline", "title": "Boardroom", "where": "London", "code": "unreachable", "params": {},
        "text": "The address can't be reached.", "since": TIME, "devices": 3, "target": f"/devices/dev_{ID}",
    },
    "Problem": {
        "type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found", "detail": "There is nothing at this address.",
        "params": {},
    },
}  # fmt: skip
NAMES: dict[str, Any] = {
    "id": f"dev_{ID}", "device": f"dev_{ID}", "location": f"loc_{ID}", "into": f"loc_{ID}", "parent": f"loc_{ID}",
    "person": "Ada", "site": f"sit_{ID}", "agent": f"agt_{ID}", "log": f"log_{ID}", "hub": f"hub_{ID}", "cursor": "k2NhYmM",
    "next": "k2NhYmM", "name": "Boardroom", "sign_in": "ada@example.org", "addresses": "ada@example.org, bob@example.org",
    "address": "10.0.0.4", "password": "seven long words of mine", "new_password": "eight other words of mine", "code": "492817",
    "token": "Zt0fXyNf3g", "ticket": "Zt0fXyNf3g", "link": "/register/Zt0fXyNf3g", "role": "monitor", "zone": "Europe/London",
    "language": "en", "number": "+442079460958", "to": "ada@example.org", "path": "London > HQ > Boardroom", "kind": "room",
    "notes": "Key at the desk", "contact": "Reception", "serial_number": "1234-5678-90", "part_number": "910-3200-001",
    "firmware_version": "6.1.1.2", "model": "CONVERGE Pro 2 128", "mac": "00:11:22:33:44:55", "port": 23, "version": "1.0.0",
    "fingerprint": "AA:BB:CC:DD", "instance": "06hq8v3k4r", "url": "wss://hub.example.org:8443", "key": "mic.302.level.mute",
    "subnets": "10.0.0.0/24", "subnet": "10.0.0.0/24", "query": "kind=mixer", "text": "A sentence for people.", "items": None,
    "uri": "otpauth://totp/Soundpost:ada?secret=JBSWY3DPEHPK3PXP", "secret": "JBSWY3DPEHPK3PXP", "codes": "8f2k-93nd",
    "user": "clearone", "server": "mail.example.org", "from_address": "av@example.org", "capability": "locate",
    "terms": "You may use this.", "terms_link": "", "privacy": "We keep what we must.", "privacy_link": "", "demanded_of": "nobody",
    "caption": "Door, from the lift", "browser": "Firefox on Linux", "group": "levels", "unit": "dB", "label": "Mute",
}  # fmt: skip
TIMES = frozenset(
    [
        "time",
        "received",
        "since",
        "until",
        "created",
        "asked",
        "deadline",
        "ended",
        "ends",
        "expires",
        "last_seen",
        "added",
        "first_seen",
        "changed",
        "as_of",
        "started",
        "next_try",
        "last_confirmed",
        "invited_until",
    ]
)
VIEW_PATH = {"ViewItem": "/devices/pro-audio", "NewView": "/devices/pro-audio"}


class Examples:
    def __init__(self, schemas: dict[str, Part]) -> None:
        self._schemas = schemas

    def of(self, schema: Part, name: str = "", within: tuple[str, ...] = ()) -> Any:
        """`within`: the shapes this one is part of; one that holds itself ends there."""
        if "$ref" in schema:
            return self._named(schema["$ref"].rsplit("/", 1)[1], within)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        if "default" in schema and not schema.get("properties"):
            return schema["default"]
        for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
            return self.of(choice, name, within)
        return self._plain(schema, name, within)

    def _named(self, shape: str, within: tuple[str, ...]) -> Any:
        if shape in SHAPES:
            return SHAPES[shape]
        if shape in within:
            return None
        made = self.of(self._schemas[shape], "", (*within, shape))
        if shape in VIEW_PATH:
            made["path"] = VIEW_PATH[shape]
        return made

    def _plain(self, schema: Part, name: str, within: tuple[str, ...]) -> Any:
        match schema.get("type"):
            case "object":
                return self._object(schema, within)
            case "array":
                inner = schema.get("items")
                return [self.of(inner, name.removesuffix("s"), within)] if inner else []
            case "string":
                return text(name)
            case "integer" | "number":
                return schema.get("minimum", NAMES[name] if isinstance(NAMES.get(name), int) else 1)
            case "boolean":
                return True
            case "null" | None:
                return None
            case several:
                raise ValueError(f"an example for {several!r} is not known")

    def _object(self, schema: Part, within: tuple[str, ...]) -> Part:
        made = {name: self.of(part, name, within) for name, part in schema.get("properties", {}).items()}
        if (more := schema.get("additionalProperties")) and not made:
            return self._counts(more, within)
        return made

    def _counts(self, inner: Part, within: tuple[str, ...]) -> Part:
        """Most objects of any names count something by a word."""
        if inner.get("type") == "integer":
            return {"online": self.of(inner, "", within)}
        return {"mixer": self.of(inner, "", within)} if inner.get("type") == "object" else {}


def text(name: str) -> str:
    if name in TIMES:
        return TIME
    known = NAMES.get(name, NAMES.get(f"{name}s"))
    return known if isinstance(known, str) else name.replace("_", " ") or "text"
