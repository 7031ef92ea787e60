"""The first ledger: accounts, entries that seal their postings, records kept for ever. Never edited after release."""

import sqlalchemy as sa
from alembic import op

from lianxing.engine.ledger.sqlite import guards

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _within(column: str) -> str:
    return f"{column} BETWEEN -1000000000000000 AND 1000000000000000"


def upgrade() -> None:
    op.create_table(
        "policy",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("first_used_at", WHOLE, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "volunteer",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("facts", sa.LargeBinary, nullable=False),
        sa.Column("registered_on", sa.Text),
        sa.Column("born_on", sa.Text),
        sqlite_strict=True,
    )
    op.create_table(
        "account",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("volunteer", sa.Text, nullable=False),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.UniqueConstraint("volunteer", "county", "unit", "role", name="account_key"),
        sa.CheckConstraint("unit IN ('points', 'seconds')", name="account_unit"),
        sa.CheckConstraint("role IN ('earned', 'issued')", name="account_role"),
        sa.CheckConstraint("(role = 'issued') = (volunteer = '')", name="account_owner"),
        sqlite_strict=True,
    )
    op.create_table(
        "balance",
        sa.Column("account", WHOLE, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False),
        sa.Column("posted", WHOLE, nullable=False),
        sa.Column("seq", WHOLE, nullable=False),
        sa.CheckConstraint(_within("posted"), name="balance_within"),
        sqlite_strict=True,
    )
    op.create_table(
        "entry",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("volunteer", sa.Text, nullable=False),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("effective_on", sa.Text, nullable=False),
        sa.Column("policy_digest", sa.Text, sa.ForeignKey("policy.digest"), nullable=False),
        sa.Column("adjusts", WHOLE, sa.ForeignKey("entry.id")),
        sa.Column("seconds", WHOLE, nullable=False),
        sa.Column("points", WHOLE, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("counted", WHOLE, nullable=False),
        sa.CheckConstraint("counted IN (0, 1)", name="entry_counted"),
        sa.CheckConstraint(
            "(kind = 'original' AND adjusts IS NULL) OR (kind = 'adjusting' AND adjusts IS NOT NULL)",
            name="entry_kind",
        ),
        sa.CheckConstraint(_within("seconds"), name="entry_seconds_within"),
        sa.CheckConstraint(_within("points"), name="entry_points_within"),
        sqlite_strict=True,
    )
    op.create_index(
        "entry_adjusts",
        "entry",
        ["adjusts"],
        sqlite_where=sa.text("adjusts IS NOT NULL"),
        postgresql_where=sa.text("adjusts IS NOT NULL"),
    )
    op.create_table(
        "posting",
        sa.Column("entry", WHOLE, sa.ForeignKey("entry.id", deferrable=True, initially="DEFERRED"), primary_key=True),
        sa.Column("line", WHOLE, primary_key=True),
        sa.Column("account", WHOLE, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("amount", WHOLE, nullable=False),
        sa.Column("account_seq", WHOLE),
        sa.Column("balance_after", WHOLE),
        sa.CheckConstraint("amount <> 0", name="posting_amount"),
        sa.CheckConstraint(_within("amount"), name="posting_amount_within"),
        sa.CheckConstraint(_within("balance_after"), name="posting_balance_within"),
        sa.CheckConstraint("(account_seq IS NULL) = (balance_after IS NULL)", name="posting_running"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "posting_running_key",
        "posting",
        ["account", "account_seq"],
        unique=True,
        sqlite_where=sa.text("account_seq IS NOT NULL"),
        postgresql_where=sa.text("account_seq IS NOT NULL"),
    )
    op.create_table(
        "service_record",
        sa.Column(
            "entry",
            WHOLE,
            sa.ForeignKey("entry.id", deferrable=True, initially="DEFERRED"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("volunteer", sa.Text, nullable=False),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("supplied", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("record", "registry", name="service_record_key"),
        sqlite_strict=True,
    )
    op.create_index("service_record_by_person", "service_record", ["volunteer", "county"])
    op.create_table(
        "import_run",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("county", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    for statement in guards():
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")
