"""The agent's tables, one list of statements per level. Steps that shipped are never edited: a new level is a new list."""

MIGRATIONS: list[list[str]] = [
    [
        "create table setting (name text primary key, body blob not null) without rowid",
        # autoincrement: a position is never given twice, even when the newest facts were dropped
        "create table fact (position integer primary key autoincrement, uid blob not null unique,"
        " time_ms integer not null, hub text not null, device text not null, body blob not null)",
        "create table remembered (uid blob primary key, time_ms integer not null) without rowid",
        "create table reader (name text primary key, position integer not null, uid blob not null,"
        " oldest integer not null, active integer not null) without rowid",
        "create table acked (time_ms integer primary key, position integer not null)",
        "create table device (id text primary key, body blob not null) without rowid",
        "create table finding (id text primary key, body blob not null) without rowid",
        "create table trial (endpoint text not null, credential text not null, primary key (endpoint, credential))"
        " without rowid",
        "create table held (number integer primary key autoincrement, device text not null, point text not null,"
        " time_ms integer not null, body blob not null, unique (device, point, time_ms))",
        "create table command (id text primary key, state text not null, received_ms integer not null,"
        " body blob not null) without rowid",
        "create table undo (id text primary key, body blob not null) without rowid",
        "create table credential (id text primary key, position integer not null, revision integer not null,"
        " user text not null, subnets blob not null, sealed blob not null) without rowid",
        "create index fact_device on fact (device)",
        "create index command_state on command (state)",
    ],
]

LEVEL = len(MIGRATIONS)
