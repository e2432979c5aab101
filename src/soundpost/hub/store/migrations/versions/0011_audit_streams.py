"""Where the audit is streamed to."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "audit_streams",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        number("n"),
        number("tried"),
        number("taken_ms"),
        number("created_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_streams")),
    )


def downgrade() -> None:
    op.drop_table("audit_streams")
