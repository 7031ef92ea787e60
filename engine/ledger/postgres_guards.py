"""The triggers of PostgreSQL that refuse to change history, and whether each stands as it was made.

A trigger can be disabled and its function replaced: `missing_guards` compares all of it with what we made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from lianxing.engine.ledger.kept import APPEND_ONLY, KEYS, NEVER_DELETED, ONCE, SEALED

SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"


def missing_guards(connection: Connection, guards: Mapping[str, str] | None = None) -> list[str]:
    """Return the names in `guards` whose trigger or function is absent, switched off, or not as this DDL makes it.

    Both must be written as `function` and `trigger` below write them, which is how the catalogue gives them back.
    """
    expected = GUARDS if guards is None else guards
    there: dict[str, str] = {
        name: statement
        for question in (_FUNCTIONS, _TRIGGERS)
        for name, statement in connection.exec_driver_sql(question)
    }
    return [name for name, statement in expected.items() if there.get(name) != statement]


def guards() -> tuple[str, ...]:
    """Return the DDL that the migration runs after the tables."""
    return tuple(GUARDS.values())


# What the catalogue says beyond the plain form stands behind it, so that it differs.
_FUNCTIONS = f"""
SELECT proname,
       'CREATE FUNCTION ' || proname || '() RETURNS ' || prorettype::regtype || ' LANGUAGE ' || lanname
       || ' AS $guard$' || prosrc || '$guard$' || CASE WHEN prosecdef THEN ' SECURITY DEFINER' ELSE '' END
       || coalesce(' SET ' || proconfig::text, '')
FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
WHERE pronamespace = {SCHEMA} AND pronargs = 0 AND prorettype = 'trigger'::regtype
"""

# A trigger of a partitioned table has a copy on each partition, which can be switched off alone.
_TRIGGERS = f"""
SELECT tgname, min(pg_get_triggerdef(pg_trigger.oid, true)) FILTER (WHERE tgparentid = 0)
       || CASE WHEN count(*) FILTER (WHERE tgparentid = 0) > 1 THEN ' -- twice' ELSE '' END
       || CASE WHEN bool_and(tgenabled IN ('O', 'A')) THEN '' ELSE ' -- disabled' END
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = {SCHEMA} AND NOT tgisinternal
GROUP BY tgname
"""


def function(name: str, body: str) -> str:
    """Return the DDL of a trigger function without arguments, in PL/pgSQL; no '%', ':name' or '$guard$' in `body`."""
    return f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard${body}$guard$"


def trigger(
    name: str,
    when: str,
    table: str,
    calls: str,
    *,
    each: str = "ROW",
    condition: str = "",
    deferred: bool = False,
    rows: str = "",
) -> str:
    """Return the DDL of a trigger as the catalogue gives it back; `when` is such as `BEFORE INSERT`.

    Of several events the order is INSERT OR DELETE OR UPDATE; `condition` is as PostgreSQL prints it, with `new` small.
    `rows` is what the function calls the table of the rows that are new.
    """
    kind = "CONSTRAINT TRIGGER" if deferred else "TRIGGER"
    later = "DEFERRABLE INITIALLY DEFERRED " if deferred else ""
    only = f"WHEN ({condition}) " if condition else ""
    known = f"REFERENCING NEW TABLE AS {rows} " if rows else ""
    return f"CREATE {kind} {name} {when} ON {table} {known}{later}FOR EACH {each} {only}EXECUTE FUNCTION {calls}()"


REFUSE_CHANGE = "refuse_change"


def refusing() -> dict[str, str]:
    """Return the function that the triggers of `append_only` call; it comes before them."""
    body = "BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only'; END"
    return {REFUSE_CHANGE: function(REFUSE_CHANGE, body)}


def append_only(table: str, *changes: str) -> dict[str, str]:
    """Return the triggers by which a table refuses the changes: UPDATE, DELETE and TRUNCATE where none is named.

    >>> list(append_only("entry"))
    ['entry_no_update', 'entry_no_delete', 'entry_no_truncate']
    """
    return {
        f"{table}_no_{change.lower()}": trigger(
            f"{table}_no_{change.lower()}",
            f"BEFORE {change}",
            table,
            REFUSE_CHANGE,
            # By row, so that partitions inherit it; TRUNCATE knows statements only.
            each="STATEMENT" if change == "TRUNCATE" else "ROW",
        )
        for change in changes or ("UPDATE", "DELETE", "TRUNCATE")
    }


def _never(name: str, table: str, condition: str, sentence: str) -> dict[str, str]:
    """Return a function that refuses an UPDATE with the sentence, and the trigger that calls it where this holds."""
    body = f"BEGIN RAISE EXCEPTION '{sentence}'; END"
    return {
        f"{name}_refused": function(f"{name}_refused", body),
        name: trigger(name, "BEFORE UPDATE", table, f"{name}_refused", condition=condition),
    }


def _once(table: str, column: str, others: Sequence[str]) -> dict[str, str]:
    """Return the trigger that lets one column be written once, and no other at all."""
    name = f"{table}_{column}_once"
    changed = " OR ".join(f"old.{other} IS DISTINCT FROM new.{other}" for other in others)
    condition = f"old.{column} IS NOT NULL OR {changed}"
    return {name: trigger(name, "BEFORE UPDATE", table, REFUSE_CHANGE, condition=condition)}


def _differs(*columns: str) -> str:
    return " OR ".join(f"old.{column} <> new.{column}" for column in columns)


def _unless(sentence: str, problem: str, first: str = "") -> str:
    found = f"IF EXISTS (SELECT FROM added {problem}) THEN RAISE EXCEPTION '{sentence}'; END IF;"
    return f"BEGIN {first}{found} RETURN NULL; END"


# Whoever writes to a passbook waits for whoever does already, or neither would see what the other is about to commit.
_ONE_BY_ONE = (
    "PERFORM (SELECT id FROM passbook WHERE id = books.passbook FOR NO KEY UPDATE) "
    "FROM (SELECT DISTINCT passbook FROM added) AS books; "
)


# Of all rows of a statement at once; and each by a look into an index: a scalar subquery and LATERAL with an aggregate
# are never turned into a join, whose plan is kept from the time when the tables were small.
_ADDED = {
    "before_entry": _unless(
        "the entry is sealed",
        "WHERE (SELECT number FROM entry WHERE entry.passbook = added.passbook AND entry.number = added.entry) "
        "IS NOT NULL",
        _ONE_BY_ONE,
    ),
    "entry_balanced": _unless(
        "the entry is not balanced",
        "CROSS JOIN LATERAL (SELECT "
        "coalesce(sum(amount) FILTER (WHERE unit = 'seconds'), 0) AS seconds_left, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'points'), 0) AS points_left, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'uses'), 0) AS uses_left, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'seconds' AND account = 'earned'), 0) AS seconds_earned, "
        "coalesce(sum(amount) FILTER (WHERE unit = 'points' AND account = 'earned'), 0) AS points_earned "
        "FROM posting WHERE posting.passbook = added.passbook AND posting.entry = added.number) AS sums "
        "WHERE seconds_left <> 0 OR points_left <> 0 OR uses_left <> 0 "
        "OR seconds_earned <> added.seconds OR points_earned <> added.points",
    ),
    # The one before is there, and no number is twice: so there is no gap.
    "entry_in_order": _unless(
        "the entries of a passbook are numbered without a gap",
        "WHERE added.number > 1 AND (SELECT number FROM entry AS before WHERE before.passbook = added.passbook "
        "AND before.number = added.number - 1) IS NULL",
        _ONE_BY_ONE,
    ),
    "entry_adjusts_original": _unless(
        "an adjusting entry names the original of the same record",
        "WHERE added.adjusts IS NOT NULL AND (SELECT number FROM entry AS original "
        "WHERE original.passbook = added.passbook AND original.number = added.adjusts AND original.kind = 'original' "
        "AND original.record = added.record AND original.registry = added.registry) IS NULL",
    ),
    "entry_with_record": _unless(
        "an original entry stands with its service record",
        "WHERE added.kind IN ('original', 'corrected', 'withdrawn') AND (SELECT entry FROM service_record "
        "WHERE service_record.passbook = added.passbook AND service_record.entry = added.number "
        "AND service_record.record = added.record AND service_record.registry = added.registry) IS NULL",
    ),
}


def _after(name: str, table: str, calls: str) -> dict[str, str]:
    return {name: trigger(name, "AFTER INSERT", table, f"refuse_{calls}", each="STATEMENT", rows="added")}


# Triggers and their functions, by name; functions first. A later change is a new migration.
GUARDS: Mapping[str, str] = {
    **refusing(),
    **{f"refuse_{name}": function(f"refuse_{name}", body) for name, body in _ADDED.items()},
    **{name: statement for table in APPEND_ONLY for name, statement in append_only(table).items()},
    **{
        name: statement
        for table in NEVER_DELETED
        for name, statement in append_only(table, "DELETE", "TRUNCATE").items()
    },
    **{name: ddl for table in SEALED for name, ddl in _after(f"{table}_before_entry", table, "before_entry").items()},
    **{name: ddl for table, (column, others) in ONCE.items() for name, ddl in _once(table, column, others).items()},
    **_never(
        "lot_only_remaining",
        "lot",
        _differs("original", "last_day", "earned_on", "source", "number", "account", "passbook", "entry"),
        "of a lot only what remains changes, and its end",
    ),
    **_never(
        "passbook_only_forward",
        "passbook",
        _differs("id", "volunteer", "county") + " OR old.number >= new.number OR old.recorded_at > new.recorded_at",
        "a passbook only grows",
    ),
    **{
        name: ddl
        for table, key in KEYS.items()
        for name, ddl in _never(f"{table}_same_key", table, _differs(*key), f"a row of {table} keeps its key").items()
    },
    **{name: ddl for check in _ADDED if check != "before_entry" for name, ddl in _after(check, "entry", check).items()},
}
