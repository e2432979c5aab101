"""Second factors, recovery codes, tickets that were sent, numbers that are verified."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
