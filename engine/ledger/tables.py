"""The tables of the ledger, as the newest migration leaves them; a test compares the two. `finding` adds indexes.

Units: `points` in hundredths of a point, `seconds` in whole seconds; instants are whole seconds since 1970-01-01 UTC,
days are ISO text, JSON is kept as the bytes that were hashed.

**A passbook is one person in one county.** Whatever belongs to it has the passbook as the first column of its key, and
no reference leads from one passbook to another: the tables can be distributed by hash of the passbook without a
transaction over two machines. A passbook with the county '' is the person's own file: what the registry says of them.
Three tables are not of one person: `record_key`, the directory that refuses a record twice even when it reappears under
another volunteer; `command`, the directory of keys; and `stock`, which is of an offer.

**The entry is the seal.** What belongs to an entry is written first (its reference to the entry is deferred), the entry
last: triggers refuse it unless its postings balance and give its amounts. After it no posting is accepted. Entries of a
passbook are numbered from 1 without a gap, and each carries the hash of the one before it.

**What changes**: `passbook`, `balance`, `record_key`, `volunteer`, `stock`, `fold_state`, `fold_mark` are what the
entries come to, kept for speed; `lot.remaining` and `balance.floor` likewise; `superseded_by` and `ended_by` are
written once. All else is append-only.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as AnyText

INSTANT_MAX = 253_402_214_400  # the last midnight that the calendar knows: from there on some zone has no day
AMOUNT_MAX = 10**15
EARNED, ISSUED = "earned", "issued"

# SQLite makes a table's row number only of a column declared INTEGER; elsewhere 64 bits must be asked for.
Whole = BigInteger().with_variant(Integer(), "sqlite")

# By code point, as on SQLite: the rules of a language change with the machine, and with them what an index finds.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")

metadata = MetaData()

# Where many write at once, a counter of the database numbers passbooks; SQLite has one writer and counts by itself.
passbook_ids = Sequence("passbook_id", metadata=metadata)


def _within(column: str) -> str:
    return f"{column} BETWEEN -{AMOUNT_MAX} AND {AMOUNT_MAX}"


def _of_entry() -> tuple[Column[int], Column[int]]:
    return Column("passbook", Whole, nullable=False), Column("entry", Whole, nullable=False)


def _sealed() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["passbook", "entry"], ["entry.passbook", "entry.number"], deferrable=True, initially="DEFERRED"
    )


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

passbook = Table(
    "passbook",
    metadata,
    Column("id", Whole, primary_key=True, autoincrement=False),
    Column("volunteer", Text, nullable=False),
    Column("county", Text, nullable=False),  # '' is the person's own file
    Column("number", Whole, nullable=False),  # of the last entry
    Column("head", LargeBinary, nullable=False),  # its hash
    Column("recorded_at", Whole, nullable=False),  # its instant
    Column("closed_on", Text),
    UniqueConstraint("volunteer", "county", name="passbook_key"),
    sqlite_strict=True,
)

balance = Table(
    "balance",
    metadata,
    Column("passbook", Whole, ForeignKey("passbook.id"), nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("posted", Whole, nullable=False),
    Column("floor", Whole),  # NULL: no bound
    PrimaryKeyConstraint("passbook", "account", "unit"),
    CheckConstraint(_within("posted"), name="balance_within"),
    CheckConstraint("floor IS NULL OR posted >= floor", name="balance_floor"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

entry = Table(
    "entry",
    metadata,
    Column("passbook", Whole, ForeignKey("passbook.id"), nullable=False),
    Column("number", Whole, nullable=False),
    Column("kind", Text, nullable=False),
    Column("registry", Text, nullable=False),  # this and the next: '' where the entry is of no record
    Column("record", Text, nullable=False),
    Column("recorded_at", Whole, nullable=False),
    Column("effective_on", Text, nullable=False),
    Column("policy_digest", Text, ForeignKey("policy.digest")),  # NULL in a person's own file
    Column("adjusts", Whole),
    Column("seconds", Whole, nullable=False),
    Column("points", Whole, nullable=False),
    Column("counted", Whole, nullable=False),  # 0 where a clause refused the record: no measure sees it
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("passbook", "number"),
    CheckConstraint("counted IN (0, 1)", name="entry_counted"),
    CheckConstraint("number >= 1", name="entry_number"),
    CheckConstraint("kind <> ''", name="entry_kind"),
    CheckConstraint("adjusts IS NULL OR adjusts < number", name="entry_adjusts_earlier"),
    CheckConstraint(_within("seconds"), name="entry_seconds_within"),
    CheckConstraint(_within("points"), name="entry_points_within"),
    sqlite_strict=True,
)
Index(
    "entry_adjusts",
    entry.c.passbook,
    entry.c.adjusts,
    sqlite_where=text("adjusts IS NOT NULL"),
    postgresql_where=text("adjusts IS NOT NULL"),
)
# Of whom somebody is the family, only the passbooks of others say.
Index(
    "entry_declared",
    entry.c.passbook,
    entry.c.number,
    sqlite_where=text("kind = 'declared'"),
    postgresql_where=text("kind = 'declared'"),
)

posting = Table(
    "posting",
    metadata,
    *_of_entry(),
    Column("line", Whole, nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("balance_after", Whole),  # NULL on an account of the county
    PrimaryKeyConstraint("passbook", "entry", "line"),
    _sealed(),
    CheckConstraint("amount <> 0", name="posting_amount"),
    CheckConstraint(_within("amount"), name="posting_amount_within"),
    CheckConstraint(_within("balance_after"), name="posting_balance_within"),
    CheckConstraint("unit IN ('points', 'seconds', 'uses')", name="posting_unit"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

service_record = Table(
    "service_record",
    metadata,
    *_of_entry(),
    Column("registry", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("original", Whole, nullable=False),  # the entry of its first version
    Column("content_hash", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # empty: the record was withdrawn
    Column("supplied", LargeBinary, nullable=False),
    Column("superseded_by", Whole),
    PrimaryKeyConstraint("passbook", "entry"),
    _sealed(),
    sqlite_strict=True,
)
# Where else a record has been: few are taken back, or moved to somebody else.
Index(
    "service_record_withdrawn",
    service_record.c.record,
    service_record.c.registry,
    sqlite_where=text("content_hash = ''"),
    postgresql_where=text("content_hash = ''"),
)

record_key = Table(
    "record_key",
    metadata,
    Column("record", Text, nullable=False),
    Column("registry", Text, nullable=False),
    Column("passbook", Whole, nullable=False),
    Column("original", Whole, nullable=False),
    Column("content_hash", Text, nullable=False),  # '' where the record was withdrawn
    PrimaryKeyConstraint("record", "registry"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

lot = Table(
    "lot",
    metadata,
    Column("passbook", Whole, nullable=False),
    Column("account", Text, nullable=False),
    Column("number", Whole, nullable=False),
    Column("entry", Whole, nullable=False),  # that opened it
    Column("earned_on", Text, nullable=False),
    Column("last_day", Text, nullable=False),  # '9999-12-31': it never ends
    Column("source", Text, nullable=False),
    Column("original", Whole, nullable=False),
    Column("remaining", Whole, nullable=False),
    Column("ends", Text, nullable=False),  # its last day, unless an entry has ended it before
    PrimaryKeyConstraint("passbook", "account", "number"),
    _sealed(),
    CheckConstraint("remaining BETWEEN 0 AND original", name="lot_remaining"),
    sqlite_strict=True,
)
# An entry is the parent of what it seals: SQLite looks at its children when it is written, and needs a way to them.
Index("lot_of_entry", lot.c.passbook, lot.c.entry).ddl_if(dialect="sqlite")
Index(
    "lot_ending",
    lot.c.ends,
    lot.c.passbook,
    sqlite_where=text("remaining > 0"),
    postgresql_where=text("remaining > 0"),
)

lot_move = Table(
    "lot_move",
    metadata,
    *_of_entry(),
    Column("line", Whole, nullable=False),
    Column("account", Text, nullable=False),
    Column("lot", Whole, nullable=False),
    Column("amount", Whole, nullable=False),
    PrimaryKeyConstraint("passbook", "entry", "line"),
    _sealed(),
    CheckConstraint("amount <> 0", name="lot_move_amount"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# Lots that entries ended before their last day.
lot_end = Table(
    "lot_end",
    metadata,
    *_of_entry(),
    Column("line", Whole, nullable=False),
    Column("account", Text, nullable=False),
    Column("lot", Whole, nullable=False),
    PrimaryKeyConstraint("passbook", "entry", "line"),
    _sealed(),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What a wallet is after an entry, besides its lots and balances; the newest counts.
wallet_state = Table(
    "wallet_state",
    metadata,
    *_of_entry(),
    Column("line", Whole, nullable=False),
    Column("account", Text, nullable=False),
    Column("drawn", Whole, nullable=False),  # of what is owed, the part that was spent
    Column("rest", Whole, nullable=False),  # less than a whole unit, waiting for more
    Column("issued", Text, nullable=False),  # JSON: the grants given, changes of rules, stars, what covers
    PrimaryKeyConstraint("passbook", "entry", "line"),
    _sealed(),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What was had: units of an offer, or a use of a perk.
redemption = Table(
    "redemption",
    metadata,
    *_of_entry(),
    Column("on_day", Text, nullable=False),
    Column("offer", Text, nullable=False),
    Column("merchant", Text, nullable=False),
    Column("units", Whole, nullable=False),
    Column("paid", Whole, nullable=False),  # from the account, in its unit
    Column("cash", Whole, nullable=False),  # hundredths of a yuan
    Column("returned_by", Whole),  # the entry that gave it back
    PrimaryKeyConstraint("passbook", "entry"),
    _sealed(),
    CheckConstraint("units > 0", name="redemption_units"),
    sqlite_strict=True,
)

hold = Table(
    "hold",
    metadata,
    *_of_entry(),
    Column("account", Text, nullable=False),
    Column("amount", Whole, nullable=False),
    Column("until", Text, nullable=False),
    Column("ended_by", Whole),
    PrimaryKeyConstraint("passbook", "entry"),
    _sealed(),
    sqlite_strict=True,
)
Index(
    "hold_open",
    hold.c.until,
    hold.c.passbook,
    sqlite_where=text("ended_by IS NULL"),
    postgresql_where=text("ended_by IS NULL"),
)

stock = Table(
    "stock",
    metadata,
    Column("county", Text, nullable=False),
    Column("offer", Text, nullable=False),
    Column("taken", Whole, nullable=False),
    PrimaryKeyConstraint("county", "offer"),
    CheckConstraint("taken >= 0", name="stock_taken"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What entries set as the floor of an account; NULL: no bound.
floor_change = Table(
    "floor_change",
    metadata,
    *_of_entry(),
    Column("line", Whole, nullable=False),
    Column("account", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("floor", Whole),
    PrimaryKeyConstraint("passbook", "entry", "line"),
    _sealed(),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

# What entries took from the stock, or gave back below zero.
stock_move = Table(
    "stock_move",
    metadata,
    *_of_entry(),
    Column("line", Whole, nullable=False),
    Column("offer", Text, nullable=False),
    Column("units", Whole, nullable=False),
    PrimaryKeyConstraint("passbook", "entry", "line"),
    _sealed(),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

command = Table(
    "command",
    metadata,
    Column("scope", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", Text, nullable=False),
    *_of_entry(),
    PrimaryKeyConstraint("scope", "key"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
Index("command_of_entry", command.c.passbook, command.c.entry)

fold_state = Table(
    "fold_state",
    metadata,
    Column("passbook", Whole, nullable=False),
    Column("policy_digest", Text, nullable=False),
    Column("number", Whole, nullable=False),  # the passbook's last entry when it was kept
    Column("state", LargeBinary, nullable=False),
    PrimaryKeyConstraint("passbook", "policy_digest"),
    sqlite_strict=True,
)

# Where the fold stood on the way: a late record goes on from the newest mark before it.
fold_mark = Table(
    "fold_mark",
    metadata,
    Column("passbook", Whole, nullable=False),
    Column("policy_digest", Text, nullable=False),
    Column("day", Text, nullable=False),  # the latest day of a record that the fold had seen
    Column("state", LargeBinary, nullable=False),
    PrimaryKeyConstraint("passbook", "policy_digest", "day"),
    sqlite_strict=True,
)

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
