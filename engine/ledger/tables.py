"""The tables of the ledger, as the newest migration leaves them; a test compares the two.

Units: `points` in hundredths of a point, `seconds` in whole seconds; instants are whole seconds since 1970-01-01 UTC,
days are ISO text, JSON is kept as the bytes that were hashed. Everything is append-only but for `balance` (a cache of
the postings) and `volunteer` (what the registry says today).

**The entry is the seal.** The service record and the postings are written first, their reference to the entry is
deferred; the entry comes last, and triggers refuse it unless its postings balance and give its amounts, and an original
stands with its record. After it no posting is accepted. So an unbalanced entry cannot commit, a record has one original
and no more, and no table of seals is needed.

**Sharding by volunteer.** `account`, `service_record_by_person` and `volunteer` start with the volunteer; `entry`,
`posting`, `balance` use integers that are numbered per database, so that a shard is a database of its own, or a `shard`
column goes in front in a migration. Two things are not of one person: `service_record_key`, the directory that refuses
a record twice even when it reappears under another volunteer, and the `issued` accounts, one per county and unit, which
keep no running balance and so are never contended.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

AMOUNT_MAX = 10**15

# SQLite makes a table's row number only of a column declared INTEGER; elsewhere 64 bits must be asked for.
Whole = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _within(column: str) -> str:
    return f"{column} BETWEEN -{AMOUNT_MAX} AND {AMOUNT_MAX}"


# STRICT: without it SQLite keeps 2.5 or 'two' in a column of whole numbers.
policy = Table(
    "policy",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("county", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("first_used_at", Whole, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_strict=True,
)

volunteer = Table(
    "volunteer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("facts", LargeBinary, nullable=False),
    Column("registered_on", Text),
    Column("born_on", Text),
    sqlite_strict=True,
)

account = Table(
    "account",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("volunteer", Text, nullable=False),  # '' for an issued account
    Column("county", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("role", Text, nullable=False),
    UniqueConstraint("volunteer", "county", "unit", "role", name="account_key"),
    CheckConstraint("unit IN ('points', 'seconds')", name="account_unit"),
    CheckConstraint("role IN ('earned', 'issued')", name="account_role"),
    CheckConstraint("(role = 'issued') = (volunteer = '')", name="account_owner"),
    sqlite_strict=True,
)

balance = Table(
    "balance",
    metadata,
    Column("account", Whole, ForeignKey("account.id"), primary_key=True, autoincrement=False),
    Column("posted", Whole, nullable=False),
    Column("seq", Whole, nullable=False),
    CheckConstraint(_within("posted"), name="balance_within"),
    sqlite_strict=True,
)

entry = Table(
    "entry",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("volunteer", Text, nullable=False),
    Column("county", Text, nullable=False),
    Column("registry", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("recorded_at", Whole, nullable=False),
    Column("effective_on", Text, nullable=False),
    Column("policy_digest", Text, ForeignKey("policy.digest"), nullable=False),
    Column("adjusts", Whole, ForeignKey("entry.id")),
    Column("seconds", Whole, nullable=False),
    Column("points", Whole, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("counted", Whole, nullable=False),  # 0 where a clause refused the record: no measure sees it
    CheckConstraint("counted IN (0, 1)", name="entry_counted"),
    CheckConstraint(
        "(kind = 'original' AND adjusts IS NULL) OR (kind = 'adjusting' AND adjusts IS NOT NULL)", name="entry_kind"
    ),
    CheckConstraint(_within("seconds"), name="entry_seconds_within"),
    CheckConstraint(_within("points"), name="entry_points_within"),
    sqlite_strict=True,
)
Index(
    "entry_adjusts",
    entry.c.adjusts,
    sqlite_where=text("adjusts IS NOT NULL"),
    postgresql_where=text("adjusts IS NOT NULL"),
)

posting = Table(
    "posting",
    metadata,
    Column("entry", Whole, ForeignKey("entry.id", deferrable=True, initially="DEFERRED"), primary_key=True),
    Column("line", Whole, primary_key=True),
    Column("account", Whole, ForeignKey("account.id"), nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("account_seq", Whole),  # this and the next: NULL on an issued account
    Column("balance_after", Whole),
    CheckConstraint("amount <> 0", name="posting_amount"),
    CheckConstraint(_within("amount"), name="posting_amount_within"),
    CheckConstraint(_within("balance_after"), name="posting_balance_within"),
    CheckConstraint("(account_seq IS NULL) = (balance_after IS NULL)", name="posting_running"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
# Even a writer that reads a stale balance cannot post on it.
Index(
    "posting_running_key",
    posting.c.account,
    posting.c.account_seq,
    unique=True,
    sqlite_where=text("account_seq IS NOT NULL"),
    postgresql_where=text("account_seq IS NOT NULL"),
)

service_record = Table(
    "service_record",
    metadata,
    Column(
        "entry",
        Whole,
        ForeignKey("entry.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("record", Text, nullable=False),
    Column("registry", Text, nullable=False),
    Column("volunteer", Text, nullable=False),
    Column("county", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("supplied", LargeBinary, nullable=False),
    UniqueConstraint("record", "registry", name="service_record_key"),
    sqlite_strict=True,
)
Index("service_record_by_person", service_record.c.volunteer, service_record.c.county)

import_run = Table(
    "import_run",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("county", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("recorded_at", Whole, nullable=False),
    Column("report", LargeBinary, nullable=False),
    sqlite_strict=True,
)
