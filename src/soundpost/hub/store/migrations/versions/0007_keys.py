"""What an API key is known by; keys by person."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("prefix", sa.Text(), server_default="", nullable=False))
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"], unique=False)
    op.create_index("ix_api_keys_person", "api_keys", ["person"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_api_keys_person", "api_keys")
    op.drop_index("ix_api_keys_prefix", "api_keys")
    op.drop_column("api_keys", "prefix")
