"""Mail and text messages on their way out; what holds for the whole organization; the texts people accept when they join."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COUNTS = ("tries", "ended_ms", "expires_ms", "first_ms", "began_ms", "repeats")


def upgrade() -> None:
    op.create_table(
        "outgoing",
        sa.Column("id", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("channel", "recipient", "kind", "state")),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("language", "person", "said", "message_id")
        ),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_ms", "next_ms")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
    )
    op.create_index("ix_outgoing_state", "outgoing", ["state", "next_ms"], unique=False)
    op.create_index("ix_outgoing_person", "outgoing", ["person"], unique=False)
    op.create_table(
        "organization",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_organization")),
    )
    op.create_table(
        "terms",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.Text(), server_default="", nullable=False)
            for name in ("terms", "terms_link", "privacy", "privacy_link")
        ),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_terms")),
    )
    op.add_column("people", sa.Column("terms_revision", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("people", "terms_revision")
    for table in ("terms", "organization", "outgoing"):
        op.drop_table(table)
