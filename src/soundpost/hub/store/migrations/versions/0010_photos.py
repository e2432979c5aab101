"""Photos of places, several for each; the one column for a single photo never held any."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "photos",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), server_default="", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("large", "small")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("width", "height", "created_ms")),
        sa.ForeignKeyConstraint(["location"], ["locations.id"], name=op.f("fk_photos_location")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photos")),
    )
    op.create_index("ix_photos_location", "photos", ["location", "created_ms"], unique=False)
    op.drop_column("locations", "photo")


def downgrade() -> None:
    op.add_column("locations", sa.Column("photo", sa.Text(), server_default="", nullable=False))
    op.drop_table("photos")
