"""One tree for both databases; what it makes is what the tables say."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from soundpost.hub.store import Store, dialect, migrate
from soundpost.hub.store.tables import metadata
from soundpost.kernel.clock import SystemClock
from soundpost.kernel.errors import Conflict


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    return ScriptDirectory.from_config(config)


def test_the_newest_revision_is_named() -> None:
    assert scripts().get_heads() == [migrate.HEAD]
    assert migrate.known_revisions() == {revision.revision for revision in scripts().walk_revisions()}


def other_default(_context: Any, _there: Any, _here: Any, there: str | None, _default: Any, here: str | None) -> bool:
    """Quotes and casts aside: SQLite keeps the words as written, PostgreSQL adds a type."""

    def bare(words: str | None) -> str | None:
        return None if words is None else {"false": "0"}.get(words, words.split("::")[0].strip("()'"))

    return bare(there) != bare(here)


async def test_tables_equal_the_migrated_schema(any_store: Store) -> None:
    def compare(conn: Connection) -> list[Any]:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": other_default})
        return list(compare_metadata(context, metadata))

    assert await any_store.read(compare) == []


async def test_names_are_the_same_on_both(any_store: Store) -> None:
    def names(conn: Connection) -> set[str]:
        return {str(index["name"]) for table in metadata.tables for index in inspect(conn).get_indexes(table)}

    wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    assert wanted <= await any_store.read(names)


async def test_opening_again_changes_nothing(target: Path | str) -> None:
    logs = []
    for _ in range(2):
        async with Store(target, SystemClock()) as store:
            logs.append((store.log_id, store.head, await store.read(migrate.level)))
    assert logs[0] == logs[1]
    assert logs[0][2] == migrate.HEAD


async def test_a_copy_is_made_before_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "soundpost.db"
    async with Store(path, SystemClock()) as store:
        log = store.log_id
    engine = dialect.sqlite_engine(path, write=True)
    with engine.connect() as conn:
        conn.exec_driver_sql("update alembic_version set version_num = 'older'")
        conn.commit()
    # The copy comes before the tree is asked, so a revision nobody knows is enough to see it made.
    with pytest.raises(Conflict, match="newer version"):
        migrate.sqlite(engine, path)
    engine.dispose()
    copy = dialect.sqlite_engine(path.with_name(f"soundpost.db.before-{migrate.HEAD}"), write=False)
    with copy.connect() as conn:
        assert conn.exec_driver_sql("select log from log_head").scalar() == log
    copy.dispose()
