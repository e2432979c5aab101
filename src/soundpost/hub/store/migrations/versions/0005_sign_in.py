"""Second factors, recovery codes, tickets that were sent, numbers that are verified, browsers that signed in before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def person() -> sa.Column[str]:
    return sa.Column("person", sa.Text(), nullable=False)


def number(name: str, default: str | None = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)


def secret(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f(f"fk_{table}_person"), ondelete="CASCADE")


def upgrade() -> None:
    op.add_column("people", number("number_verified_ms"))
    op.create_table(
        "second_factors",
        person(),
        secret("secret"),
        number("created_ms", None),
        number("enabled_ms"),
        number("last_step"),
        of_person("second_factors"),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        secret("code_hash"),
        person(),
        of_person("recovery_codes"),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_codes")),
    )
    op.create_index("ix_recovery_codes_person", "recovery_codes", ["person"], unique=False)
    op.create_table(
        "tickets",
        secret("token_hash"),
        sa.Column("kind", sa.Text(), nullable=False),
        person(),
        number("created_ms", None),
        number("expires_ms", None),
        number("tries"),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        of_person("tickets"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_tickets")),
    )
    op.create_index("ix_tickets_person", "tickets", ["person"], unique=False)
    op.create_table(
        "browsers",
        secret("token_hash"),
        person(),
        number("seen_ms", None),
        of_person("browsers"),
        sa.PrimaryKeyConstraint("token_hash", "person", name=op.f("pk_browsers")),
    )
    op.create_index("ix_browsers_person", "browsers", ["person"], unique=False)


def downgrade() -> None:
    for table in ("browsers", "tickets", "recovery_codes", "second_factors"):
        op.drop_table(table)
    op.drop_column("people", "number_verified_ms")
