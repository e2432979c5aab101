"""Mail and text messages on their way out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "outgoing",
        sa.Column("id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("channel", "recipient", "kind", "state")),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in ("language", "person", "said")),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in ("tries", "ended_ms")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_ms", "next_ms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
    )
    op.create_index("ix_outgoing_state", "outgoing", ["state", "next_ms"], unique=False)


def downgrade() -> None:
    op.drop_table("outgoing")
