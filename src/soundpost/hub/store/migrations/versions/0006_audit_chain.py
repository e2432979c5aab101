"""The chain over the audit, its anchors, and where it is streamed to."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SEARCHED = {
    "device": "phase = 'opened' AND device <> ''",
    "act": "phase = 'opened'",
    "who_id": "phase = 'opened' AND who_id <> ''",
    "subject": "phase = 'opened' AND subject <> ''",
    "address": "phase = 'opened' AND address <> ''",
    "result": "phase = 'completed' AND result <> 'done'",
}


def upgrade() -> None:
    searched()


def searched() -> None:
    op.drop_index("ix_audit_device", "audit")
    for column, where in SEARCHED.items():
        name = f"ix_audit_{column.removesuffix('_id')}"
        op.create_index(name, "audit", [column, "n"], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for column in SEARCHED:
        op.drop_index(f"ix_audit_{column.removesuffix('_id')}", "audit")
    op.create_index("ix_audit_device", "audit", ["device", "n"])
