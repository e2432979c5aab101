"""Places: their tree, who was put where, and rules that put devices by name and subnet."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    texts = ("parent", "zone", "address", "contact", "notes", "photo")
    op.create_table(
        "locations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in texts),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_locations")),
    )
    op.create_index("ux_locations_parent", "locations", ["parent", "folded"], unique=True)
    op.create_table(
        "placements",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["location"], ["locations.id"], name=op.f("fk_placements_location")),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_placements")),
    )
    op.create_index("ix_placements_location", "placements", ["location"], unique=False)
    op.create_table(
        "location_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("subnet", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["location"], ["locations.id"], name=op.f("fk_location_rules_location")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location_rules")),
    )


def downgrade() -> None:
    for name in ("location_rules", "placements", "locations"):
        op.drop_table(name)
