"""The chain over the audit, its anchors, and where it is streamed to."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
