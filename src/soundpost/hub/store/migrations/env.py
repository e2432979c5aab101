"""Alembic's entry: only ever run by store.migrate, inside a transaction it already holds."""

from alembic import context

from soundpost.hub.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
