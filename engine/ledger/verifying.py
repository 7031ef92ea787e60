"""Proof that a ledger never cheated: each invariant is a query that returns no rows.

Nothing here trusts the writing code; what can be derived is derived again from the postings and the kept contents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select, text

from lianxing.engine.ledger import sqlite
from lianxing.engine.ledger.contents import hash_of, record_from
from lianxing.engine.ledger.errors import DamagedError
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.ledger.tables import entry, service_record
from lianxing.rules.places import Label

VIOLATIONS_MAX = 100  # per invariant: a damaged ledger has one cause, not a million


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where an invariant does not hold: its name, what it means, and the ids that the query returned."""

    invariant: str
    label: Label
    ids: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that always holds: `query` returns no rows. The columns of a row are the ids of a violation."""

    name: str
    label: Label
    query: str


# Standard SQL, so that every database can be asked. Amounts are whole numbers: sums are exact.
INVARIANTS = (
    Invariant(
        "zero_sum_of_entry",
        Label(zh="一笔分录在每个单位上合计须为零", en="the postings of an entry add up to zero for each unit"),
        "SELECT entry, unit, sum(amount) AS total FROM posting GROUP BY entry, unit HAVING sum(amount) <> 0",
    ),
    Invariant(
        "zero_sum_overall",
        Label(zh="全部过账在每个单位上合计须为零", en="all postings together add up to zero for each unit"),
        "SELECT unit, sum(amount) AS total FROM posting GROUP BY unit HAVING sum(amount) <> 0",
    ),
    Invariant(
        "entry_equals_postings",
        Label(
            zh="分录所记时长与积分须等于其过账",
            en="an entry's seconds and points equal its postings on earned accounts",
        ),
        "SELECT entry.id AS entry, seconds, points, posted_seconds, posted_points FROM entry JOIN ("
        "SELECT entry.id, "
        "coalesce(sum(CASE WHEN posting.unit = 'seconds' THEN amount ELSE 0 END), 0) AS posted_seconds, "
        "coalesce(sum(CASE WHEN posting.unit = 'points' THEN amount ELSE 0 END), 0) AS posted_points "
        "FROM entry LEFT JOIN (posting JOIN account ON account.id = posting.account AND account.role = 'earned') "
        "ON posting.entry = entry.id GROUP BY entry.id) AS posted ON posted.id = entry.id "
        "WHERE seconds <> posted_seconds OR points <> posted_points",
    ),
    Invariant(
        "posting_has_entry",
        Label(zh="每条过账须属于一笔分录", en="every posting belongs to an entry"),
        "SELECT entry, line FROM posting WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.id = posting.entry)",
    ),
    Invariant(
        "posting_on_right_account",
        Label(
            zh="过账须记在该分录志愿者与县的账户，单位一致，且仅个人账户有序号",
            en="a posting is on an account of the entry's volunteer and county, in its unit, numbered where earned",
        ),
        "SELECT posting.entry, posting.line, posting.account FROM posting JOIN entry ON entry.id = posting.entry "
        "LEFT JOIN account ON account.id = posting.account WHERE account.id IS NULL "
        "OR account.unit <> posting.unit OR account.county <> entry.county "
        "OR (account.role = 'earned' AND (account.volunteer <> entry.volunteer OR posting.account_seq IS NULL)) "
        "OR (account.role = 'issued' AND posting.account_seq IS NOT NULL)",
    ),
    Invariant(
        "balance_equals_postings",
        Label(
            zh="余额须等于过账之和，序号须等于过账条数",
            en="a balance equals the sum of its postings, its seq their count",
        ),
        "SELECT account.id AS account, posted, seq, total, number FROM account "
        "LEFT JOIN balance ON balance.account = account.id "
        "LEFT JOIN (SELECT account, sum(amount) AS total, count(account_seq) AS number FROM posting GROUP BY account) "
        "AS sums ON sums.account = account.id "
        "WHERE (account.role = 'earned' AND (posted IS NULL OR total IS NULL OR posted <> total OR seq <> number)) "
        "OR (account.role = 'issued' AND posted IS NOT NULL)",
    ),
    Invariant(
        "running_balance",
        Label(zh="逐笔余额须首尾相接", en="each running balance is the one before it plus the amount"),
        "SELECT entry, line, account, account_seq FROM (SELECT entry, line, account, account_seq, balance_after, "
        "sum(amount) OVER (PARTITION BY account ORDER BY account_seq) AS expected "
        "FROM posting WHERE account_seq IS NOT NULL) AS running WHERE balance_after <> expected",
    ),
    Invariant(
        "sequence_without_gap",
        Label(zh="账户内序号须从 1 起连续", en="the postings of an account are numbered from 1 without a gap"),
        "SELECT account, account_seq, expected FROM (SELECT account, account_seq, "
        "row_number() OVER (PARTITION BY account ORDER BY account_seq) AS expected "
        "FROM posting WHERE account_seq IS NOT NULL) AS numbered WHERE account_seq <> expected",
    ),
    Invariant(
        "sequence_in_order_of_entries",
        Label(
            zh="账户内序号须与分录先后一致", en="the postings of an account are numbered in the order of their entries"
        ),
        "SELECT account, account_seq, entry, entry_before FROM (SELECT account, account_seq, entry, "
        "lag(entry) OVER (PARTITION BY account ORDER BY account_seq) AS entry_before "
        "FROM posting WHERE account_seq IS NOT NULL) AS ordered WHERE entry < entry_before",
    ),
    Invariant(
        "entries_without_gap",
        Label(zh="分录编号须从 1 起连续", en="entries are numbered from 1 without a gap"),
        "SELECT id AS entry, expected FROM (SELECT id, row_number() OVER (ORDER BY id) AS expected FROM entry) "
        "AS numbered WHERE id <> expected",
    ),
    Invariant(
        "one_original_per_record",
        Label(zh="每条记录只有一笔原始分录", en="a record has one original entry"),
        "SELECT registry, record, count(*) AS originals FROM entry WHERE kind = 'original' "
        "GROUP BY registry, record HAVING count(*) > 1",
    ),
    Invariant(
        "adjusts_original_of_same_record",
        Label(
            zh="调整分录须指向同一记录的原始分录",
            en="an adjusting entry names the earlier original entry of the same record",
        ),
        "SELECT adjusting.id AS entry, adjusting.adjusts FROM entry AS adjusting "
        "LEFT JOIN entry AS original ON original.id = adjusting.adjusts "
        "WHERE (adjusting.kind = 'adjusting' AND (original.id IS NULL OR original.kind <> 'original' "
        "OR original.id >= adjusting.id OR original.registry <> adjusting.registry "
        "OR original.record <> adjusting.record OR original.volunteer <> adjusting.volunteer "
        "OR original.county <> adjusting.county OR original.effective_on <> adjusting.effective_on)) "
        "OR (adjusting.kind = 'original' AND adjusting.adjusts IS NOT NULL)",
    ),
    Invariant(
        "record_has_entry",
        Label(zh="每条记录须有与之相符的原始分录", en="every record stands with its own original entry"),
        "SELECT service_record.registry, service_record.record, service_record.entry FROM service_record "
        "LEFT JOIN entry ON entry.id = service_record.entry WHERE entry.id IS NULL OR entry.kind <> 'original' "
        "OR entry.registry <> service_record.registry OR entry.record <> service_record.record "
        "OR entry.volunteer <> service_record.volunteer OR entry.county <> service_record.county",
    ),
    Invariant(
        "entry_has_record",
        Label(zh="每笔原始分录须有其记录", en="every original entry has its record"),
        "SELECT id AS entry, registry, record FROM entry WHERE kind = 'original' "
        "AND NOT EXISTS (SELECT 1 FROM service_record WHERE service_record.entry = entry.id)",
    ),
    Invariant(
        "entry_has_policy",
        Label(zh="每笔分录须有其政策", en="the policy of every entry is kept"),
        "SELECT id AS entry, policy_digest FROM entry "
        "WHERE NOT EXISTS (SELECT 1 FROM policy WHERE policy.digest = entry.policy_digest)",
    ),
)

CONTENT = Label(
    zh="记录内容须与其摘要、各列及分录日期一致",
    en="a record's content matches its hash, its columns and its entry's day",
)
GUARDS = Label(zh="禁止改写历史的触发器须完好", en="the triggers that refuse to change history are in place")
FILE = Label(zh="数据库文件须完好", en="the database file is sound")


def verify(ledger: Ledger) -> list[Violation]:
    """Return what does not hold in the ledger, at most `VIOLATIONS_MAX` per invariant; an empty list is a proof.

    One snapshot; writers go on meanwhile. Where damage stops a query, that is a violation too, and the last one.
    """
    found: list[Violation] = []
    try:
        with ledger.reading() as reading:
            for name, label, ids in _violations(reading._connection):
                found.append(Violation(name, label, ids))
    except DamagedError as error:
        found.append(Violation("file_is_sound", FILE, (("problem", error.label.en),)))
    return found


def _violations(connection: Connection) -> Iterator[tuple[str, Label, tuple[tuple[str, str], ...]]]:
    for problem in islice(sqlite.integrity_problems(connection), VIOLATIONS_MAX):
        yield "file_is_sound", FILE, (("problem", problem),)
    for guard in sqlite.missing_guards(connection):
        yield "guards_in_place", GUARDS, (("trigger", guard),)
    for invariant in INVARIANTS:
        rows = connection.execute(text(f"{invariant.query} LIMIT {VIOLATIONS_MAX}"))
        for row in rows.mappings():
            yield invariant.name, invariant.label, tuple((str(name), str(value)) for name, value in row.items())
    yield from _contents(connection)


def _contents(connection: Connection) -> Iterator[tuple[str, Label, tuple[tuple[str, str], ...]]]:
    left = VIOLATIONS_MAX
    for row in connection.execute(
        select(service_record, entry.c.effective_on)
        .outerjoin(entry, entry.c.id == service_record.c.entry)
        .order_by(service_record.c.entry),
        execution_options={"yield_per": 1_000},
    ):
        if hash_of(row.content) == row.content_hash and _columns_match(row.content, row):
            continue
        yield (
            "content_matches_hash",
            CONTENT,
            (("registry", row.registry), ("record", row.record), ("entry", str(row.entry))),
        )
        left -= 1
        if left == 0:
            return


def _columns_match(content: bytes, row: Row[*tuple[Any, ...]]) -> bool:
    try:
        record = record_from(content)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return False
    if row.effective_on is not None and row.effective_on != record.day.isoformat():
        return False
    columns = ("registry", "volunteer", "county")
    return record.id == row.record and all(getattr(record, name) == getattr(row, name) for name in columns)
