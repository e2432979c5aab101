"""People: invited, disabled, limited to places, ending on a date; the links they were sent; keys that are limited and expire."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXTS = (
    ("people", "state", "active"),
    *(("people", name, "") for name in ("places", "invited_by", "language", "zone", "number")),
    ("api_keys", "used_from", ""),
    ("api_keys", "places", ""),
)
NUMBERS = (("people", "ends_ms"), ("people", "terms_ms"), ("people", "seen_ms"), ("api_keys", "expires_ms"))


def upgrade() -> None:
    for table, name, default in TEXTS:
        op.add_column(table, sa.Column(name, sa.Text(), server_default=default, nullable=False))
    for table, name in NUMBERS:
        op.add_column(table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "invitations",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_invitations_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_person", "invitations", ["person"], unique=False)


def downgrade() -> None:
    op.drop_table("invitations")
    for table, name, *_ in (*TEXTS, *NUMBERS):
        op.drop_column(table, name)
