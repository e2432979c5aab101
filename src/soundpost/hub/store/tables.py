"""Every table, for both databases. Times are milliseconds since 1970 UTC; bodies are msgpack behind a level byte (T19)."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy import text as sql

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str, default: str | None = "", **options: object) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default, **options)  # type: ignore[arg-type]


def number(name: str, default: int | None = 0, **options: object) -> Column[int]:
    return Column(
        name,
        BigInteger,
        nullable=False,
        server_default=None if default is None else str(default),
        **options,  # type: ignore[arg-type]
    )


def partial(name: str, column: str, where: str) -> Index:
    """Over `column` and n, of those rows alone that a question can be after: the rest would cost each write and help nobody."""
    return Index(name, column, "n", sqlite_where=sql(where), postgresql_where=sql(where))


# One row each: what this hub is, and how far its log has come (T15). No sequence: the row is advanced in the
# transaction that logs, so ids have no holes and follow commit order on both databases.
meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", LargeBinary, nullable=False))
log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    number("n"),
    text("log", None),
    # Where the audit's chain ends: its last row, that row's proof, a seal over both, the name of the key (T35; audit.chain).
    number("audit_n"),
    Column("audit_mac", LargeBinary, nullable=True),
    Column("audit_seal", LargeBinary, nullable=True),
    text("audit_key"),
)

events = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    number("time_ms", None),
    number("received_ms", None),
    text("type", None),
    text("site"),
    text("device"),
    Column("data", LargeBinary, nullable=False),
    Index("ix_events_device", "device", "id"),
    Index("ix_events_site", "site", "id"),
    Index("ix_events_type", "type", "id"),
)
# Uids outlive the bodies by a year (T1).
fact_uids = Table(
    "fact_uids",
    metadata,
    Column("uid", LargeBinary, primary_key=True),
    number("event", None),
    sqlite_with_rowid=False,
)
rejected = Table(
    "rejected",
    metadata,
    Column("id", Integer, primary_key=True),
    number("time_ms", None),
    text("site"),
    text("source"),
    text("reason", None),
    Column("body", LargeBinary, nullable=False),
)
consumers = Table("consumers", metadata, Column("name", Text, primary_key=True), number("n"), number("failures"))
poisoned = Table(
    "poisoned",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    text("reason", None),
    number("time_ms", None),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    text("sign_in", None, unique=True),
    text("name"),
    text("role", None),
    text("password_hash", None),
    number("created_ms", None),
    text("state", "active"),  # people.rules: invited, active, disabled
    text("places"),  # ids of places, comma between; "" = everywhere
    number("ends_ms"),  # 0 = never
    text("invited_by"),
    number("terms_ms"),
    number("terms_revision"),  # which texts were accepted; 0 = there were none
    number("seen_ms"),
    text("language"),
    text("zone"),
    text("number"),
    number("number_verified_ms"),  # 0 = never
)
# A link that was sent: the token is stored as its hash, fits once, and only until it expires.
invitations = Table(
    "invitations",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    number("created_ms", None),
    number("expires_ms", None),
    text("by"),
    Index("ix_invitations_person", "person"),
)
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    number("created_ms", None),
    number("seen_ms", None),
    number("expires_ms", None),
    text("address"),
    text("browser"),
)
# A person's authenticator app: `secret` is sealed, `enabled_ms` 0 while no code has proved it, `last_step` the last one that was used.
second_factors = Table(
    "second_factors",
    metadata,
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    number("created_ms", None),
    number("enabled_ms"),
    number("last_step"),
)
recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Index("ix_recovery_codes_person", "person"),
)
# What lets somebody do one thing for a while: set a new password, enter a second factor, verify a number. `body` is sealed.
tickets = Table(
    "tickets",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    text("kind", None),  # people.rules
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    number("created_ms", None),
    number("expires_ms", None),
    number("tries"),
    Column("body", LargeBinary, nullable=True),
    Index("ix_tickets_person", "person"),
)
# Who asked for a new password: written for any name, looked up afterwards (docs/decisions/0012).
reset_requests = Table(
    "reset_requests",
    metadata,
    Column("id", Text, primary_key=True),
    text("sign_in", None),
    text("address"),
    number("created_ms", None),
)
# Who signed in with which browser before: its tries count apart from strangers' (docs/decisions/0007).
browsers = Table(
    "browsers",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    number("seen_ms", None),
    Index("ix_browsers_person", "person"),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    text("name"),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    text("scope", None),
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    number("created_ms", None),
    number("used_ms"),
    text("used_from"),
    text("places"),
    number("expires_ms"),
    text("prefix"),  # how the key begins; "" for those from before it was kept
    Index("ix_api_keys_prefix", "prefix"),
    Index("ix_api_keys_person", "person"),
)

# Filters of lists that people named. A shared one outlives its maker, so `person` may name somebody who is gone.
views = Table(
    "views",
    metadata,
    Column("id", Text, primary_key=True),
    text("person", None),
    text("path", None),
    text("name", None),
    text("folded", None),
    text("query", None),
    Column("shared", Boolean, nullable=False, server_default="0"),
    number("created_ms", None),
    Index("ux_views_person", "person", "path", "folded", unique=True),
)

# Mail and text messages on their way out. `body` is sealed: a link in it lets somebody in. It goes once the message is out.
outgoing = Table(
    "outgoing",
    metadata,
    Column("id", Text, primary_key=True),
    text("channel", None),  # mail, sms
    text("recipient", None),
    text("kind", None),
    Column("body", LargeBinary, nullable=True),
    text("language"),
    text("person"),
    text("state", None),  # mail.rules: waiting, sent, failed
    text("said"),  # the last words of the mail server or gateway
    text("message_id"),  # the same in each try
    number("tries"),
    number("created_ms", None),
    number("next_ms", None),
    number("ended_ms"),
    number("expires_ms"),  # what it says is worth nothing then; 0 = never
    number("first_ms"),  # of the first try; 0 = none yet
    number("began_ms"),  # an attempt is open since; found at a start, the message may go out twice
    number("repeats"),  # 1: it may have gone out before
    Index("ix_outgoing_state", "state", "next_ms"),
    Index("ix_outgoing_person", "person"),
)

# What holds for the whole installation, by key (organization.rules); secrets among them are sealed.
organization = Table(
    "organization",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    number("sealed"),
    number("changed_ms", None),
)

# What people accept when they join. Rows are added only: each registration names the revision it accepted.
terms = Table(
    "terms",
    metadata,
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    text("terms"),
    text("terms_link"),
    text("privacy"),
    text("privacy_link"),
    number("since_ms", None),
)

# `n` counts without holes in commit order (log_head.audit_n); `mac` is the row's proof in the chain, null on rows from before it.
audit = Table(
    "audit",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    text("id", None),
    text("phase", None),
    number("time_ms", None),
    text("act", None),
    text("who_kind", None),
    text("who_id"),
    text("who_name"),
    text("address"),
    text("device"),
    text("subject"),
    Column("detail", LargeBinary, nullable=False),
    text("result"),
    Column("mac", LargeBinary, nullable=True),
    Index("ix_audit_id", "id"),
    partial("ix_audit_device", "device", "phase = 'opened' AND device <> ''"),
    partial("ix_audit_act", "act", "phase = 'opened'"),
    partial("ix_audit_who", "who_id", "phase = 'opened' AND who_id <> ''"),
    partial("ix_audit_subject", "subject", "phase = 'opened' AND subject <> ''"),
    partial("ix_audit_address", "address", "phase = 'opened' AND address <> ''"),
    partial("ix_audit_result", "result", "phase = 'completed' AND result <> 'done'"),
)
# Where the chain begins, and how far retention cut it: audit.chain.Anchor.
audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    text("kind", None),
    number("n", None),
    number("count", None),
    number("time_ms", None),
    text("key", None),
    Column("mac", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)
# Receivers of the audit. `n`: the last row that was taken; `tried`: the last that may have arrived. `secret` is sealed.
audit_streams = Table(
    "audit_streams",
    metadata,
    Column("id", Text, primary_key=True),
    Column("settings", LargeBinary, nullable=False),
    Column("secret", LargeBinary, nullable=True),
    number("n"),
    number("tried"),
    number("taken_ms"),
    number("created_ms"),
)

sites = Table(
    "sites",
    metadata,
    Column("id", Text, primary_key=True),
    text("name", None),
    text("zone"),
    number("created_ms", None),
)
# `boots`: boot ids that a newer session replaced, so that one coming back proves two living holders (T28).
agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    text("name", None, unique=True),
    Column("site", Text, ForeignKey("sites.id"), nullable=False, unique=True),
    text("password_hash", None),
    Column("public_key", LargeBinary, nullable=True),
    Column("next_key", LargeBinary, nullable=True),
    text("boot"),
    Column("boots", LargeBinary, nullable=True),
    text("state", None),
    number("since_ms"),
    Column("reason", LargeBinary, nullable=True),
    number("joined_ms"),
    number("confirmed_ms"),
    Column("last_uid", LargeBinary, nullable=True),
    text("version"),
    number("level"),
    text("address"),
    number("offset_ms"),
    number("dropped"),
    Column("scans", LargeBinary, nullable=True),
    number("added_ms", None),
    text("added_by"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), nullable=False),
    text("kind", None),
    text("family", None),
    text("serial"),
    text("stack"),
    text("parent"),
    number("revision"),
    number("generation", 1),
    Column("record", LargeBinary, nullable=False),
    text("status", "unknown"),
    number("since_ms"),
    Column("reason", LargeBinary, nullable=True),
    number("status_time_ms"),
    number("first_seen_ms"),
    Column("retired", Boolean, nullable=False, server_default="0"),
    Index("ix_devices_site", "site"),
    Index("ix_devices_serial", "family", "serial"),
)
status_history = Table(
    "status_history",
    metadata,
    Column("device", Text, primary_key=True),
    Column("since_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    text("status", None),
    Column("reason", LargeBinary, nullable=True),
)
found = Table(
    "found",
    metadata,
    Column("site", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    text("address", None),
    number("port", None),
    text("family", None),
    Column("reason", LargeBinary, nullable=False),
    Column("serials", LargeBinary, nullable=False),
    number("time_ms", None),
)
# Values: `segments` is a redo log that no screen reads; `blobs` hold one device's values and the segment they include (T17).
schemas = Table(
    "schemas", metadata, Column("id", LargeBinary, primary_key=True), Column("body", LargeBinary, nullable=False)
)
segments = Table(
    "segments",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    number("time_ms", None),
    Column("body", LargeBinary, nullable=False),
)
blobs = Table(
    "blobs",
    metadata,
    Column("device", Text, primary_key=True),
    number("n", None),
    Column("body", LargeBinary, nullable=False),
)
# Sealed values over time: one chunk per device and sealing, ending with segment `upto`. `schemas` says what its points are.
value_history = Table(
    "value_history",
    metadata,
    Column("device", Text, primary_key=True),
    Column("upto", BigInteger, primary_key=True, autoincrement=False),
    Column("schema", LargeBinary, primary_key=True),
    number("from_ms", None),
    number("to_ms", None),
    Column("body", LargeBinary, nullable=False),
    Index("ix_value_history_time", "device", "to_ms"),
)

# The tree of places people draw. `parent` "" = one of the uppermost; `folded` makes names of siblings differ by more than case.
locations = Table(
    "locations",
    metadata,
    Column("id", Text, primary_key=True),
    text("parent"),
    text("name", None),
    text("folded", None),
    text("kind", None),
    text("zone"),
    text("address"),
    text("contact"),
    text("notes"),
    number("created_ms", None),
    Index("ux_locations_parent", "parent", "folded", unique=True),
)
# What a place looks like: the door, the rack. `large` and `small` are hashes of files in the data folder (store.blobs).
photos = Table(
    "photos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("location", Text, ForeignKey("locations.id"), nullable=False),
    text("caption"),
    text("large", None),
    text("small", None),
    number("width", None),
    number("height", None),
    number("created_ms", None),
    Index("ix_photos_location", "location", "created_ms"),
)
# Where a person put a device; rules and what a device hangs from say where all the others are.
placements = Table(
    "placements",
    metadata,
    Column("device", Text, primary_key=True),
    Column("location", Text, ForeignKey("locations.id"), nullable=False),
    number("time_ms", None),
    Index("ix_placements_location", "location"),
)
location_rules = Table(
    "location_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("location", Text, ForeignKey("locations.id"), nullable=False),
    text("name"),
    text("subnet"),
    number("place", None),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Text, primary_key=True),
    text("device", None),
    text("site", None),
    text("capability", None),
    Column("arguments", LargeBinary, nullable=False),
    text("state", None),
    Column("reason", LargeBinary, nullable=True),
    Column("result", LargeBinary, nullable=True),
    text("person"),
    text("person_name"),
    text("idempotency_key"),
    text("audit"),
    Column("undo", LargeBinary, nullable=True),
    Column("assumed", Boolean, nullable=False, server_default="0"),
    number("asked_ms", None),
    number("deadline_ms", None),
    number("ended_ms"),
    number("go_ms"),  # when the agent was told it may start: from then on it can't be taken back (T22)
    Index("ix_commands_device", "device", "asked_ms"),
    Index("ix_commands_idempotency", "person", "idempotency_key"),
    Index("ix_commands_state", "state"),
    Index("ix_commands_site", "site", "state"),
)
