"""Proof that a ledger never cheated: each invariant is a query that returns no rows.

Nothing here trusts the writing code; what can be derived is derived again from the postings and the kept contents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Column, Connection, Row, select, text

from lianxing.engine.ledger.chaining import GENESIS, link_hash
from lianxing.engine.ledger.chains import links
from lianxing.engine.ledger.checking import person_body
from lianxing.engine.ledger.contents import facts_content, hash_of, record_from
from lianxing.engine.ledger.databases import Database
from lianxing.engine.ledger.drafts import CLOSED, ENDED, REGISTERED, REOPENED
from lianxing.engine.ledger.errors import STUMBLES, DamagedError
from lianxing.engine.ledger.schemas import odd
from lianxing.engine.ledger.tables import (
    AMOUNT_MAX,
    EARNED,
    INSTANT_MAX,
    entry,
    hold,
    lot,
    passbook,
    redemption,
    service_record,
    volunteer,
)
from lianxing.engine.ledger.transits import unsettled
from lianxing.engine.ledger.witnesses import UNREADABLE, person_from
from lianxing.rules.facts import VolunteerId
from lianxing.rules.places import Label

if TYPE_CHECKING:  # the ledger itself asks what is damaged
    from lianxing.engine.ledger.opening import Ledger

_Found = tuple[str, Label, tuple[tuple[str, str], ...]]

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

    @property
    def of_passbook(self) -> bool:
        """Tell whether the query names the passbook in which something does not hold."""
        return self.name not in ("zero_sum_overall", "stock_equals_moves")


# Standard SQL, so that every database can be asked. Amounts are whole numbers: sums are exact.
INVARIANTS = (
    Invariant(
        "zero_sum_of_entry",
        Label(zh="一笔分录在每个单位上合计须为零", en="the postings of an entry add up to zero for each unit"),
        "SELECT passbook, entry, unit, sum(amount) AS total FROM posting "
        "GROUP BY passbook, entry, unit HAVING sum(amount) <> 0",
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
            en="an entry's seconds and points equal its postings on the account of what was earned",
        ),
        "SELECT entry.passbook, entry.number AS entry, seconds, points, posted_seconds, posted_points FROM entry "
        "LEFT JOIN (SELECT passbook, entry, "
        "sum(CASE WHEN unit = 'seconds' THEN amount ELSE 0 END) AS posted_seconds, "
        "sum(CASE WHEN unit = 'points' THEN amount ELSE 0 END) AS posted_points "
        "FROM posting WHERE account = 'earned' GROUP BY passbook, entry) AS posted "
        "ON posted.passbook = entry.passbook AND posted.entry = entry.number "
        "WHERE seconds <> coalesce(posted_seconds, 0) OR points <> coalesce(posted_points, 0)",
    ),
    Invariant(
        "posting_has_entry",
        Label(zh="每条过账须属于一笔分录", en="every posting belongs to an entry"),
        "SELECT passbook, entry, line FROM posting WHERE NOT EXISTS "
        "(SELECT 1 FROM entry WHERE entry.passbook = posting.passbook AND entry.number = posting.entry)",
    ),
    Invariant(
        "balance_equals_postings",
        Label(zh="余额须等于过账之和", en="a balance equals the sum of its postings"),
        "SELECT balance.passbook, balance.account, balance.unit, posted, total FROM balance LEFT JOIN ("
        "SELECT passbook, account, unit, sum(amount) AS total FROM posting WHERE balance_after IS NOT NULL "
        "GROUP BY passbook, account, unit) AS sums ON sums.passbook = balance.passbook "
        "AND sums.account = balance.account AND sums.unit = balance.unit WHERE posted <> coalesce(total, 0)",
    ),
    Invariant(
        "postings_have_balance",
        Label(zh="有过账的账户须有余额", en="an account with postings has a balance"),
        "SELECT DISTINCT posting.passbook, posting.account, posting.unit FROM posting "
        "LEFT JOIN balance ON balance.passbook = posting.passbook AND balance.account = posting.account "
        "AND balance.unit = posting.unit WHERE balance_after IS NOT NULL AND balance.passbook IS NULL",
    ),
    Invariant(
        "balance_has_entry",
        Label(
            zh="余额须由分录开立：有其过账或下限",
            en="a balance was opened by an entry that posted to it or set its floor",
        ),
        "SELECT passbook, account, unit FROM balance EXCEPT SELECT passbook, account, unit FROM posting "
        "WHERE balance_after IS NOT NULL EXCEPT SELECT passbook, account, unit FROM floor_change",
    ),
    Invariant(
        "balance_above_floor",
        Label(zh="余额不得低于下限", en="no balance is below its floor"),
        "SELECT passbook, account, unit, posted, floor FROM balance WHERE posted < floor",
    ),
    Invariant(
        "floor_as_set",
        Label(zh="下限须为最近一次所定", en="the floor of a balance is the one that was set last"),
        "SELECT balance.passbook, balance.account, balance.unit, balance.floor, newest.floor AS set_last FROM balance "
        "LEFT JOIN (SELECT passbook, account, unit, floor, row_number() OVER (PARTITION BY passbook, account, unit "
        "ORDER BY entry DESC, line DESC) AS age FROM floor_change) AS newest ON newest.passbook = balance.passbook "
        "AND newest.account = balance.account AND newest.unit = balance.unit AND age = 1 "
        f"WHERE coalesce(balance.floor, {AMOUNT_MAX + 1}) <> coalesce(newest.floor, {AMOUNT_MAX + 1})",
    ),
    Invariant(
        "running_balance",
        Label(zh="逐笔余额须首尾相接", en="each running balance is the one before it plus the amount"),
        "SELECT passbook, entry, line, account FROM (SELECT passbook, entry, line, account, balance_after, "
        "sum(amount) OVER (PARTITION BY passbook, account, unit ORDER BY entry, line) AS expected "
        "FROM posting WHERE balance_after IS NOT NULL) AS running WHERE balance_after <> expected",
    ),
    Invariant(
        "entries_without_gap",
        Label(zh="存折内分录编号须从 1 起连续", en="the entries of a passbook are numbered from 1 without a gap"),
        "SELECT passbook, number AS entry, expected FROM (SELECT passbook, number, "
        "row_number() OVER (PARTITION BY passbook ORDER BY number) AS expected FROM entry) AS numbered "
        "WHERE number <> expected",
    ),
    Invariant(
        "entries_in_time",
        Label(
            zh="分录的入账时刻须在日历之内，且不得倒退",
            en="the instants of a passbook's entries are of the calendar, and never go back",
        ),
        "SELECT passbook, number AS entry, recorded_at, before FROM (SELECT passbook, number, recorded_at, "
        "lag(recorded_at) OVER (PARTITION BY passbook ORDER BY number) AS before FROM entry) AS timed "
        f"WHERE recorded_at < before OR recorded_at NOT BETWEEN 0 AND {INSTANT_MAX}",
    ),
    Invariant(
        "passbook_ends_with_last_entry",
        Label(
            zh="存折所记末号、末摘要须为其末笔分录",
            en="a passbook keeps the number, hash and instant of its last entry",
        ),
        "SELECT passbook.id AS passbook, passbook.number, last.number AS entry FROM passbook LEFT JOIN ("
        "SELECT entry.passbook, entry.number, entry.hash, entry.recorded_at FROM entry JOIN ("
        "SELECT passbook, max(number) AS number FROM entry GROUP BY passbook) AS newest "
        "ON newest.passbook = entry.passbook AND newest.number = entry.number) AS last "
        "ON last.passbook = passbook.id WHERE last.number IS NULL OR passbook.number <> last.number "
        "OR passbook.head <> last.hash OR passbook.recorded_at <> last.recorded_at",
    ),
    Invariant(
        "closed_by_entry",
        Label(
            zh="存折的销户日须为其最近一笔销户分录之日",
            en="a passbook was closed on the day of the entry that closed it last",
        ),
        "SELECT passbook.id AS passbook, closed_on, effective_on FROM passbook LEFT JOIN ("
        "SELECT entry.passbook, entry.effective_on FROM entry JOIN (SELECT passbook, max(number) AS number FROM entry "
        f"WHERE kind = '{CLOSED}' GROUP BY passbook) AS newest "
        "ON newest.passbook = entry.passbook AND newest.number = entry.number) AS closing "
        "ON closing.passbook = passbook.id WHERE coalesce(closed_on, '') <> coalesce(effective_on, '')",
    ),
    Invariant(
        "closed_and_open_in_turn",
        Label(
            zh="存折销户之后方可重新启用，重新启用之后方可再次销户",
            en="a passbook is opened again after it was closed, and closed again after it was opened",
        ),
        "SELECT passbook, number AS entry, kind FROM (SELECT passbook, number, kind, coalesce(lag(kind) OVER "
        f"(PARTITION BY passbook ORDER BY number), '{REOPENED}') AS before FROM entry "
        f"WHERE kind IN ('{CLOSED}', '{REOPENED}')) AS turns WHERE kind = before",
    ),
    Invariant(
        "lines_without_gap",
        Label(zh="分录内各行须从 1 起连续编号", en="the lines of an entry are numbered from 1 without a gap"),
        " UNION ALL ".join(
            f"SELECT '{table}' AS \"table\", passbook, entry, line FROM (SELECT passbook, entry, line, "
            f"row_number() OVER (PARTITION BY passbook, entry ORDER BY line) AS expected FROM {table}) "
            f"AS {table}_numbered WHERE line <> expected"
            for table in ("posting", "lot_move", "lot_end", "wallet_state", "stock_move", "floor_change")
        ),
    ),
    Invariant(
        "entry_has_passbook",
        Label(zh="每笔分录须属于一本存折", en="every entry belongs to a passbook"),
        "SELECT passbook, number AS entry FROM entry "
        "WHERE NOT EXISTS (SELECT 1 FROM passbook WHERE passbook.id = entry.passbook)",
    ),
    Invariant(
        "adjusts_original_of_same_record",
        Label(
            zh="调整分录须指向同一记录的原始分录",
            en="an adjusting entry names the earlier original entry of the same record",
        ),
        "SELECT later.passbook, later.number AS entry, later.adjusts FROM entry AS later "
        "LEFT JOIN entry AS original ON original.passbook = later.passbook AND original.number = later.adjusts "
        "WHERE (later.kind IN ('adjusting', 'corrected', 'withdrawn') AND NOT (later.kind = 'withdrawn' "
        "AND later.adjusts IS NULL AND later.seconds = 0 AND later.points = 0) AND (original.number IS NULL "
        "OR original.kind <> 'original' OR original.number >= later.number "
        "OR original.registry <> later.registry OR original.record <> later.record)) "
        "OR (later.kind NOT IN ('adjusting', 'corrected', 'withdrawn') AND later.adjusts IS NOT NULL)",
    ),
    Invariant(
        "record_has_entry",
        Label(zh="每个记录版本须有与之相符的分录", en="every version of a record stands with its own entry"),
        "SELECT service_record.passbook, service_record.registry, service_record.record, service_record.entry "
        "FROM service_record "
        "LEFT JOIN entry ON entry.passbook = service_record.passbook AND entry.number = service_record.entry "
        "WHERE entry.number IS NULL OR entry.kind NOT IN ('original', 'corrected', 'withdrawn') "
        "OR entry.registry <> service_record.registry OR entry.record <> service_record.record "
        "OR coalesce(entry.adjusts, entry.number) <> service_record.original",
    ),
    Invariant(
        "entry_has_record",
        Label(zh="每笔原始、更正、撤回分录须有其记录", en="every entry that brings a version of a record has it"),
        "SELECT passbook, number AS entry, registry, record FROM entry "
        "WHERE kind IN ('original', 'corrected', 'withdrawn') AND NOT EXISTS (SELECT 1 FROM service_record "
        "WHERE service_record.passbook = entry.passbook AND service_record.entry = entry.number)",
    ),
    Invariant(
        "one_version_counts",
        Label(zh="每条记录恰有一个现行版本", en="of a record's versions exactly the last one is not superseded"),
        "SELECT passbook, original AS entry, count(*) AS versions FROM service_record WHERE superseded_by IS NULL "
        "GROUP BY passbook, original HAVING count(*) <> 1 "
        "UNION ALL SELECT passbook, original, 0 FROM service_record GROUP BY passbook, original "
        "HAVING count(superseded_by) = count(*)",
    ),
    Invariant(
        "superseded_by_later_version",
        Label(zh="旧版本须由其后一版本取代", en="a version is superseded by the one after it"),
        "SELECT passbook, entry, superseded_by, next FROM (SELECT passbook, entry, superseded_by, "
        "lead(entry) OVER (PARTITION BY passbook, original ORDER BY entry) AS next FROM service_record) AS versions "
        "WHERE coalesce(superseded_by, 0) <> coalesce(next, 0)",
    ),
    Invariant(
        "record_is_in_directory",
        Label(zh="每条记录须在目录中，且只在一处", en="every record is in the directory, and in one place"),
        "SELECT record_key.registry, record_key.record, record_key.passbook FROM record_key LEFT JOIN service_record "
        "ON service_record.passbook = record_key.passbook AND service_record.original = record_key.original "
        "AND service_record.superseded_by IS NULL WHERE service_record.entry IS NULL "
        "OR service_record.content_hash <> record_key.content_hash "
        "OR service_record.record <> record_key.record OR service_record.registry <> record_key.registry "
        "UNION ALL SELECT registry, record, passbook FROM service_record WHERE superseded_by IS NULL "
        "AND content_hash <> '' AND NOT EXISTS (SELECT 1 FROM record_key "
        "WHERE record_key.record = service_record.record AND record_key.registry = service_record.registry "
        "AND record_key.passbook = service_record.passbook AND record_key.original = service_record.original) "
        "UNION ALL SELECT registry, record, passbook FROM service_record WHERE NOT EXISTS (SELECT 1 FROM record_key "
        "WHERE record_key.record = service_record.record AND record_key.registry = service_record.registry)",
    ),
    Invariant(
        "entry_has_policy",
        Label(zh="一县的每笔分录须有其政策", en="the policy of every entry of a county is kept"),
        "SELECT entry.passbook, entry.number AS entry, policy_digest FROM entry LEFT JOIN passbook "
        "ON passbook.id = entry.passbook LEFT JOIN policy ON policy.digest = policy_digest "
        "WHERE policy.digest IS NULL AND (policy_digest IS NOT NULL OR coalesce(passbook.county, '') <> '')",
    ),
    Invariant(
        "own_file_only_registers",
        Label(
            zh="本人档案只记登记，登记也只在本人档案",
            en="a person's own file holds what the registry says of them, and nothing else holds that",
        ),
        "SELECT entry.passbook, entry.number AS entry, kind FROM entry JOIN passbook ON passbook.id = entry.passbook "
        f"WHERE (county = '') <> (kind = '{REGISTERED}') "
        "OR (county = '' AND (policy_digest IS NOT NULL OR registry <> '' OR EXISTS (SELECT 1 FROM posting "
        "WHERE posting.passbook = entry.passbook AND posting.entry = entry.number)))",
    ),
    Invariant(
        "lot_equals_moves",
        Label(zh="每批余量须等于其变动之和", en="what is left of a lot is the sum of its moves, none below zero"),
        "SELECT lot.passbook, lot.account, lot.number AS lot, remaining, total FROM lot LEFT JOIN ("
        "SELECT passbook, account, lot, sum(amount) AS total FROM lot_move GROUP BY passbook, account, lot) AS sums "
        "ON sums.passbook = lot.passbook AND sums.account = lot.account AND sums.lot = lot.number "
        "WHERE remaining <> coalesce(total, 0) OR remaining < 0 OR remaining > original",
    ),
    Invariant(
        "lot_ends_as_said",
        Label(
            zh="每批到期日须为其原定之日，除非分录已提前终止", en="a lot ends on its last day unless an entry ended it"
        ),
        "SELECT passbook, account, number AS lot, last_day, ends FROM lot WHERE ends <> CASE WHEN EXISTS ("
        "SELECT 1 FROM lot_end WHERE lot_end.passbook = lot.passbook AND lot_end.account = lot.account "
        f"AND lot_end.lot = lot.number) THEN '{ENDED}' ELSE last_day END",
    ),
    Invariant(
        "redemption_returned_once",
        Label(
            zh="兑换由其后的一笔分录退回",
            en="a redemption is given back once, by a later entry",
        ),
        "SELECT redemption.passbook, redemption.entry, returned_by FROM redemption LEFT JOIN entry "
        "ON entry.passbook = redemption.passbook AND entry.number = returned_by WHERE returned_by IS NOT NULL "
        "AND (entry.number IS NULL OR entry.number <= redemption.entry) "
        "UNION ALL SELECT passbook, min(entry), returned_by FROM redemption WHERE returned_by IS NOT NULL "
        "GROUP BY passbook, returned_by HAVING count(*) > 1",
    ),
    Invariant(
        "uses_equal_redemptions",
        Label(
            zh="礼遇次数账户的每次变动须与其使用或退回相符",
            en="what an account of uses gains was used, what it loses was given back",
        ),
        "SELECT posting.passbook, posting.entry, posting.account, amount FROM posting LEFT JOIN redemption AS used "
        "ON used.passbook = posting.passbook AND used.entry = posting.entry LEFT JOIN redemption AS back "
        "ON back.passbook = posting.passbook AND back.returned_by = posting.entry "
        "WHERE unit = 'uses' AND balance_after IS NOT NULL AND (posting.account <> 'uses/' || "
        "coalesce(used.offer, back.offer, '') OR amount <> coalesce(used.units, -back.units, 0)) "
        "UNION ALL SELECT used.passbook, returned_by, used.account, used.amount FROM redemption JOIN posting AS used "
        "ON used.passbook = redemption.passbook AND used.entry = redemption.entry AND used.unit = 'uses' "
        "AND used.balance_after IS NOT NULL WHERE returned_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posting "
        "WHERE posting.passbook = redemption.passbook AND posting.entry = returned_by AND posting.unit = 'uses')",
    ),
    Invariant(
        "lot_move_has_lot",
        Label(zh="每次变动须属于一批", en="every move is of a lot"),
        "SELECT passbook, entry, line FROM lot_move WHERE NOT EXISTS (SELECT 1 FROM lot "
        "WHERE lot.passbook = lot_move.passbook AND lot.account = lot_move.account AND lot.number = lot_move.lot)",
    ),
    Invariant(
        "lots_equal_balance",
        Label(zh="各批余量合计须等于账户余额", en="what is left of an account's lots is its balance"),
        # From both sides: an account without any lot has a balance too.
        "SELECT passbook, account, sum(remaining) AS total, sum(posted) AS posted FROM ("
        "SELECT passbook, account, remaining, 0 AS posted FROM lot UNION ALL SELECT passbook, account, 0, posted "
        f"FROM balance WHERE account <> '{EARNED}' AND account NOT LIKE '%/%') AS sums "
        "GROUP BY passbook, account HAVING sum(remaining) <> sum(posted)",
    ),
    Invariant(
        "holds_equal_balance",
        Label(zh="未了结的冻结合计须等于冻结余额", en="the open holds of an account are what is held on it"),
        "SELECT balance.passbook, balance.account, posted, coalesce(total, 0) AS total FROM balance LEFT JOIN ("
        "SELECT passbook, account || '/held' AS account, sum(amount) AS total FROM hold WHERE ended_by IS NULL "
        "GROUP BY passbook, account) AS sums ON sums.passbook = balance.passbook AND sums.account = balance.account "
        "WHERE balance.account LIKE '%/held' AND balance.unit <> 'uses' AND posted <> coalesce(total, 0) "
        "UNION ALL SELECT passbook, account || '/held', 0, sum(amount) FROM hold WHERE ended_by IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM balance WHERE balance.passbook = hold.passbook "
        "AND balance.account = hold.account || '/held') GROUP BY passbook, account",
    ),
    Invariant(
        "hold_ends_once",
        Label(zh="冻结由其后的一笔分录了结", en="a hold is ended by a later entry of the passbook, one for each"),
        "SELECT hold.passbook, hold.entry, ended_by FROM hold LEFT JOIN entry ON entry.passbook = hold.passbook "
        "AND entry.number = hold.ended_by WHERE ended_by IS NOT NULL AND (entry.number IS NULL "
        "OR entry.number <= hold.entry "
        "OR entry.kind NOT IN ('settled', 'released', 'declined', 'hold_expired', 'request')) "
        "UNION ALL SELECT passbook, min(entry), ended_by FROM hold WHERE ended_by IS NOT NULL "
        "GROUP BY passbook, ended_by HAVING count(*) > 1",
    ),
    Invariant(
        "stock_equals_moves",
        Label(zh="已兑出的库存须等于其变动之和", en="what was taken from a stock is the sum of its moves"),
        "SELECT county, offer, sum(taken) AS taken, sum(units) AS total FROM ("
        "SELECT county, offer, taken, 0 AS units, 1 AS kept FROM stock UNION ALL "
        "SELECT county, offer, 0, units, 0 FROM stock_move JOIN passbook ON passbook.id = stock_move.passbook"
        ") AS moves GROUP BY county, offer HAVING sum(taken) <> sum(units) OR sum(kept) = count(*)",
    ),
    Invariant(
        "command_has_entry",
        Label(zh="每个请求编号须有其分录", en="every key stands with the entry that answers it"),
        "SELECT scope, passbook, entry FROM command WHERE NOT EXISTS (SELECT 1 FROM entry "
        "WHERE entry.passbook = command.passbook AND entry.number = command.entry) "
        "UNION ALL SELECT min(scope), passbook, entry FROM command GROUP BY passbook, entry HAVING count(*) > 1",
    ),
)

# Which columns hold days, and which say of what.
_DAYS: Mapping[Column[str], tuple[str, ...]] = {
    passbook.c.closed_on: ("id",),
    entry.c.effective_on: ("passbook", "number"),
    lot.c.earned_on: ("passbook", "entry", "account"),
    lot.c.last_day: ("passbook", "entry", "account"),
    lot.c.ends: ("passbook", "entry", "account"),
    hold.c.until: ("passbook", "entry"),
    redemption.c.on_day: ("passbook", "entry"),
}
_CALLED = {"id": "passbook", "number": "entry"}

CONTENT = Label(
    zh="记录内容须与其摘要、各列及分录日期一致",
    en="a record's content matches its hash, its columns and its entry's day",
)
PERSON = Label(
    zh="所存志愿者信息须与其最近一笔登记相符",
    en="what is kept of a person is what the last entry of their own file says",
)
CHAIN = Label(
    zh="每笔分录的摘要须由其内容与前一笔摘要得出",
    en="the hash of an entry follows from its content and from the hash before it",
)
ONCE = Label(
    zh="随销户带走的，只能带入一次，且须与带走时相同",
    en="what left with a closed passbook is brought into another one once, as it left",
)
ARRIVES = Label(
    zh="一县在途的须恰为随销户带走的，减去带入的",
    en="what is in transit in a county is what left with closed passbooks, less what was brought",
)
DAYS = Label(zh="所记日期须为确有之日", en="what is kept as a day is a day that there is")
SCHEMA = Label(
    zh="表、键、约束、索引与触发器须与建库时一致",
    en="tables, keys, checks, indexes and the triggers that refuse to change history are as they were made",
)
FILE = Label(zh="数据库文件须完好", en="the database file is sound")


def verify(ledger: Ledger) -> list[Violation]:
    """Return what does not hold in the ledger, at most `VIOLATIONS_MAX` per invariant; an empty list is a proof.

    One snapshot; writers go on meanwhile. Where damage stops a query, that is a violation too, and others are asked.
    """
    found: list[Violation] = []
    try:
        with ledger.reading() as reading:
            for name, label, ids in _violations(ledger.database, reading._connection):
                found.append(Violation(name, label, ids))
    except DamagedError as error:
        found.append(Violation("file_is_sound", FILE, (("problem", error.label.en),)))
    return found


def damage(connection: Connection, passbooks: Collection[int], people: Collection[str]) -> Violation | None:
    """Return the first thing that does not hold in some passbooks, or in what is kept of some people."""
    for name, label, ids in _damages(connection, passbooks, people):
        return Violation(name, label, ids)
    return None


def _damages(connection: Connection, passbooks: Collection[int], people: Collection[str]) -> Iterator[_Found]:
    """Yield what does not hold in some passbooks and people, what names an entry and is soon found out first."""
    yield from _chains(connection, passbooks)
    yield from _days(connection, passbooks)
    yield from _people(connection, people)
    yield from _contents(connection, passbooks)
    ids = ",".join(str(id) for id in passbooks) or "NULL"
    for invariant in INVARIANTS:
        if invariant.of_passbook:
            query = f"SELECT * FROM ({invariant.query}) AS found WHERE passbook IN ({ids}) LIMIT 1"
            yield from _found(connection, invariant, query)


@dataclass(frozen=True, slots=True)
class Explained:
    """An entry of a record with what explains it; of a passbook that is missing, volunteer and county are empty."""

    passbook: int
    volunteer: str
    county: str
    number: int
    kind: str
    policy_digest: str | None
    adjusts: int | None
    seconds: int
    points: int
    counted: bool
    body: bytes


def explained(connection: Connection) -> Iterator[Explained]:
    """Yield every entry of a record, passbook by passbook, whatever state the ledger is in."""
    columns = (entry.c.policy_digest, entry.c.adjusts, entry.c.seconds, entry.c.points, entry.c.counted, entry.c.body)
    for row in connection.execute(
        select(entry.c.passbook, passbook.c.volunteer, passbook.c.county, entry.c.number, entry.c.kind, *columns)
        .outerjoin(passbook, passbook.c.id == entry.c.passbook)
        .where(entry.c.record != "")
        .order_by(entry.c.passbook, entry.c.number),
        execution_options={"yield_per": 1_000},
    ):
        owner = row.volunteer or "", row.county or ""
        amounts = row.adjusts, row.seconds, row.points, bool(row.counted)
        yield Explained(row.passbook, *owner, row.number, row.kind, row.policy_digest, *amounts, bytes(row.body))


def _violations(database: Database, connection: Connection) -> Iterator[_Found]:
    for name, label, question in _questions(database, connection):
        found: list[_Found] = []
        try:
            with database.plain_errors(), connection.begin_nested():  # PostgreSQL asks no more behind what has failed
                found += islice(question, VIOLATIONS_MAX)
        except DamagedError as error:
            found.append((name, label, (("problem", error.label.en),)))
        except STUMBLES as error:  # what is no value at all
            found.append((name, label, (("problem", type(error).__name__),)))
        yield from found


def _questions(database: Database, connection: Connection) -> Iterator[tuple[str, Label, Iterator[_Found]]]:
    """Yield what is asked of the whole ledger; what damage stops is a violation of the name and label."""
    problems = database.integrity_problems(connection)
    yield "file_is_sound", FILE, (("file_is_sound", FILE, (("problem", one),)) for one in problems)
    schema = (("schema_as_made", SCHEMA, ((kind, name), ("is", how))) for kind, name, how in odd(connection))
    yield "schema_as_made", SCHEMA, schema
    for invariant in INVARIANTS:
        query = f"{invariant.query} LIMIT {VIOLATIONS_MAX}"
        yield invariant.name, invariant.label, _found(connection, invariant, query)
    yield "days_are_days", DAYS, _days(connection)
    yield "brought_once", ONCE, _transits(connection)
    yield "content_matches_hash", CONTENT, _contents(connection)
    yield "person_is_as_registered", PERSON, _people(connection)
    yield "chain_holds", CHAIN, _chains(connection)


def _transits(connection: Connection) -> Iterator[_Found]:
    for one in unsettled(connection):
        yield ("brought_once", ONCE, one.ids) if one.once else ("transit_arrives", ARRIVES, one.ids)


def _found(connection: Connection, invariant: Invariant, query: str) -> Iterator[_Found]:
    for row in connection.execute(text(query)).mappings().all():
        columns = [(str(name), value) for name, value in row.items()]
        yield invariant.name, invariant.label, tuple(_named(connection, columns))


def _named(connection: Connection, columns: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield columns by their names; for a passbook, whose it is."""
    for name, value in columns:
        if name == "passbook":
            yield from _whose(connection, value)
        else:
            yield name, str(value)


def _whose(connection: Connection, id: int) -> Iterator[tuple[str, str]]:
    owner = connection.execute(select(passbook.c.volunteer, passbook.c.county).where(passbook.c.id == id)).one_or_none()
    if owner is None:
        yield "passbook", str(id)
    else:
        yield "volunteer", owner.volunteer
        yield "county", owner.county


def _days(connection: Connection, some: Collection[int] | None = None) -> Iterator[_Found]:
    """Yield what is kept as a day and is none."""
    for column, names in _DAYS.items():
        where = [column.table.c[name] for name in names]
        here = column.is_not(None) if some is None else column.is_not(None) & where[0].in_(some)
        for said in connection.scalars(select(column).distinct().where(here)).all():
            if _is_day(said):
                continue
            for row in connection.execute(select(*where).where(here, column == said).limit(VIOLATIONS_MAX)).all():
                ids = _named(connection, zip([_CALLED.get(name, name) for name in names], row, strict=True))
                yield "days_are_days", DAYS, (*ids, (column.name, said))


def _is_day(said: str) -> bool:
    try:
        return date.fromisoformat(said).isoformat() == said
    except ValueError:
        return False


def _contents(connection: Connection, some: Collection[int] | None = None) -> Iterator[_Found]:
    """Yield the versions of records that are not what their hash, columns and entry say."""
    query = (
        select(service_record, entry.c.effective_on, passbook.c.volunteer, passbook.c.county)
        .outerjoin(entry, (entry.c.passbook == service_record.c.passbook) & (entry.c.number == service_record.c.entry))
        .outerjoin(passbook, passbook.c.id == service_record.c.passbook)
        .order_by(service_record.c.passbook, service_record.c.entry)
    )
    if some is not None:
        query = query.where(service_record.c.passbook.in_(some))
    for row in connection.execute(query, execution_options={"yield_per": 1_000}):
        content = bytes(row.content)
        if not content and not row.content_hash:
            continue  # withdrawn
        if hash_of(content) != row.content_hash or not _columns_match(content, row):
            whose = _whose(connection, row.passbook)
            ids = (*whose, ("entry", str(row.entry)), ("registry", row.registry), ("record", row.record))
            yield "content_matches_hash", CONTENT, ids


def _columns_match(content: bytes, row: Row[*tuple[Any, ...]]) -> bool:
    try:
        record = record_from(content)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return False
    if row.effective_on is not None and row.effective_on != record.day.isoformat():
        return False
    columns = ("registry", "volunteer", "county")
    return record.id == row.record and all(getattr(record, name) == getattr(row, name) for name in columns)


def _people(connection: Connection, some: Collection[str] | None = None) -> Iterator[_Found]:
    """Yield the people of whom the ledger keeps something else than the last entry of their own file says."""
    registered = (
        select(passbook.c.volunteer, entry.c.number, entry.c.body)
        .join(entry, entry.c.passbook == passbook.c.id)
        .where(passbook.c.county == "", entry.c.kind == REGISTERED)
        .order_by(entry.c.passbook, entry.c.number)
    )
    kept = select(volunteer).order_by(volunteer.c.id)
    if some is not None:
        registered, kept = registered.where(passbook.c.volunteer.in_(some)), kept.where(volunteer.c.id.in_(some))
    said: dict[str, bytes] = {}
    for row in connection.execute(registered):
        said[row.volunteer] = body = bytes(row.body)
        if not _is_person(row.volunteer, body):
            yield "person_is_as_registered", PERSON, (("volunteer", row.volunteer), ("entry", str(row.number)))
    for row in connection.execute(kept):
        if said.pop(row.id, None) != person_body((row.id, bytes(row.facts), row.registered_on, row.born_on)):
            yield "person_is_as_registered", PERSON, (("volunteer", row.id),)
    for id in sorted(said):
        yield "person_is_as_registered", PERSON, (("volunteer", id),)


def _is_person(id: str, body: bytes) -> bool:
    """Tell whether an entry of a person's own file can be read, as it was written."""
    try:
        person = person_from(VolunteerId(id), body)
        days = (None if day is None else day.isoformat() for day in (person.registered_on, person.born_on))
        return person_body((id, facts_content(person.facts, id), *days)) == body
    except UNREADABLE:
        return False


def _chains(connection: Connection, some: Collection[int] | None = None) -> Iterator[_Found]:
    """Yield, of each chain, the first entry at which it breaks."""
    broken: set[int] = set()
    current, before = -1, GENESIS
    for stored in links(connection, of=some):
        if stored.passbook != current:
            current, before = stored.passbook, GENESIS
        if current not in broken and link_hash(before, stored.link) != stored.hash:
            broken.add(current)
            yield "chain_holds", CHAIN, (*_whose(connection, current), ("entry", str(stored.link.number)))
        before = stored.hash
