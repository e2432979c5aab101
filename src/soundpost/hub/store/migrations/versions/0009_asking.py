"""Who asked for a new password; the demand for a second factor stands with the organization's other settings."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BEFORE, KEY, LEVEL = "second_factor_policy", "second_factor", b"\x01"


def upgrade() -> None:
    op.create_table(
        "reset_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sign_in", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_requests")),
    )
    meta = sa.table("meta", sa.column("key", sa.Text), sa.column("value", sa.LargeBinary))
    names = ("key", sa.Text), ("value", sa.LargeBinary), ("sealed", sa.BigInteger), ("changed_ms", sa.BigInteger)
    organization = sa.table("organization", *(sa.column(name, kind) for name, kind in names))
    conn = op.get_bind()
    policy = conn.execute(sa.select(meta.c.value).where(meta.c.key == BEFORE)).scalar()
    if policy is not None:
        body = LEVEL + bytes([0xA0 + len(policy)]) + policy  # a short text as msgpack writes it
        conn.execute(sa.insert(organization), {"key": KEY, "value": body, "sealed": 0, "changed_ms": 0})
        conn.execute(sa.delete(meta).where(meta.c.key == BEFORE))


def downgrade() -> None:
    op.drop_table("reset_requests")
