"""The first ledger: accounts, entries that seal their postings, records kept for ever. Never edited after release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _within(column: str) -> str:
    return f"{column} BETWEEN -1000000000000000 AND 1000000000000000"


def upgrade() -> None:
    if op.get_context().opts["fresh"]:
        return  # 0002 makes all tables anew
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
    op.execute("PRAGMA application_id = 1280852555")
    for statement in _GUARDS.values():
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")


_APPEND_ONLY = ("policy", "account", "entry", "posting", "service_record", "import_run")


def _refusing(table: str, change: str) -> str:
    return (
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


_GUARDS = {
    f"{table}_no_{change.lower()}": _refusing(table, change)
    for table in _APPEND_ONLY
    for change in ("UPDATE", "DELETE")
} | {
    "balance_no_delete": _refusing("balance", "DELETE"),
    "posting_before_entry": (
        "CREATE TRIGGER posting_before_entry BEFORE INSERT ON posting "
        "WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry) "
        "BEGIN SELECT RAISE(ABORT, 'the entry is sealed'); END"
    ),
    "entry_balanced": (
        "CREATE TRIGGER entry_balanced BEFORE INSERT ON entry "
        "BEGIN SELECT RAISE(ABORT, 'the entry is not balanced') FROM ("
        "SELECT coalesce(sum(amount) FILTER (WHERE unit = 'seconds'), 0) AS seconds, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'points'), 0) AS points, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'seconds' AND account_seq IS NOT NULL), 0) AS seconds_earned, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'points' AND account_seq IS NOT NULL), 0) AS points_earned "
        "FROM posting WHERE entry = NEW.id) "
        "WHERE seconds <> 0 OR points <> 0 OR seconds_earned <> NEW.seconds OR points_earned <> NEW.points; END"
    ),
    "entry_adjusts_original": (
        "CREATE TRIGGER entry_adjusts_original BEFORE INSERT ON entry WHEN NEW.adjusts IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM entry AS original WHERE original.id = NEW.adjusts "
        "AND original.kind = 'original' AND original.record = NEW.record AND original.registry = NEW.registry "
        "AND original.volunteer = NEW.volunteer AND original.county = NEW.county) "
        "BEGIN SELECT RAISE(ABORT, 'an adjusting entry names the original of the same record'); END"
    ),
    "entry_with_record": (
        "CREATE TRIGGER entry_with_record BEFORE INSERT ON entry WHEN NEW.adjusts IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM service_record WHERE service_record.entry = NEW.id "
        "AND service_record.record = NEW.record AND service_record.registry = NEW.registry "
        "AND service_record.volunteer = NEW.volunteer AND service_record.county = NEW.county) "
        "BEGIN SELECT RAISE(ABORT, 'an original entry stands with its service record'); END"
    ),
}
