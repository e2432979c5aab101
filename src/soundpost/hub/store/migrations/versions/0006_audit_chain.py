"""The chain over the audit and its anchors. Rows that are there already stand before it, unproved."""

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


def number(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)


def upgrade() -> None:
    op.add_column("audit", sa.Column("mac", sa.LargeBinary(), nullable=True))
    op.add_column("log_head", number("audit_n", "0"))
    op.add_column("log_head", sa.Column("audit_mac", sa.LargeBinary(), nullable=True))
    op.add_column("log_head", sa.Column("audit_seal", sa.LargeBinary(), nullable=True))
    op.add_column("log_head", sa.Column("audit_key", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "audit_anchors",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *(number(name) for name in ("n", "count", "time_ms")),
        sa.Column("key", sa.Text(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("mac", "seal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_anchors")),
    )
    op.execute("UPDATE log_head SET audit_n = (SELECT coalesce(max(n), 0) FROM audit)")
    if op.get_bind().dialect.name == "postgresql":  # a sequence leaves holes where a transaction was rolled back
        op.execute("ALTER TABLE audit ALTER COLUMN n DROP DEFAULT")
        op.execute("DROP SEQUENCE audit_n_seq")
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
    op.drop_table("audit_anchors")
    for column in ("audit_n", "audit_mac", "audit_seal", "audit_key"):
        op.drop_column("log_head", column)
    op.drop_column("audit", "mac")
