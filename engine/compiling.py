"""From layers to one policy: merge, then ask what no single file can answer. All problems at once, in file order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import reduce
from pathlib import Path, PurePath

from lianxing.engine.entrances import entrance_problems
from lianxing.engine.honours import commendation_problems
from lianxing.engine.layers import Shelf, merged, read_layers
from lianxing.engine.naming import what_is_named
from lianxing.engine.ordering import hours_order, limits_before_points, points_order, points_without_measure
from lianxing.engine.quotients import holds
from lianxing.engine.reading.campaigns import layered
from lianxing.engine.reading.chapters import CHAPTERS, Folder, Layer, Tree, name_taken
from lianxing.engine.reading.menu import MENU_WORDS
from lianxing.engine.reading.notes import nearest
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.reading.redemption import OFFER_WORDS
from lianxing.engine.reading.tables import hole_in
from lianxing.engine.reading.vocabulary import KEYS
from lianxing.engine.reckoning import review_problems
from lianxing.engine.rivals import rivals
from lianxing.engine.scoring import score_problems, transition_problems
from lianxing.rules.accounts import Account
from lianxing.rules.conditions import (
    AllOf,
    AnyOf,
    Compare,
    CompareFacts,
    Condition,
    DatedCompare,
    Missing,
    Not,
    OneOf,
    Operator,
    facts_of,
)
from lianxing.rules.county import County
from lianxing.rules.dates import Dated
from lianxing.rules.earning import Add, Multiply, PointsPerEvent, PointsPerHour
from lianxing.rules.facts import CountyId, Fact, FactValue, Scope
from lianxing.rules.perks import Choice as PerkChoice
from lianxing.rules.perks import Perk
from lianxing.rules.places import Clause, Location
from lianxing.rules.policy import DECISIONS_VERSION, Policy
from lianxing.rules.problems import PolicyError, Problem
from lianxing.rules.tables import Key, Other, Table
from lianxing.rules.transition import Change, Fate, Transition


def find_folder(where: str, shelf: Shelf) -> Folder:
    """Return the folder that a clerk means: a path on disk, a county's id, or the last part of one.

    Raises PolicyError when it is none of these, or several.
    """
    place = Location(where, 1, 1)
    path = Path(where)
    if path.is_dir() and (path / "county.yaml").is_file():
        return _on_disk(path)
    ids = shelf.named(where)
    if len(ids) > 1:
        raise PolicyError([Problem("P216", place, (("county", where), ("known", ", ".join(ids))))])
    folder = shelf.folder(ids[0]) if ids else None
    if folder is None:
        known = shelf.counties()
        meant = nearest(where, [*_beside(path), *known, *(id.rpartition("/")[2] for id in known)])
        raise PolicyError([Problem("P205", place, (("folder", where),), meant)])
    return folder


def _beside(path: Path) -> list[str]:
    """Return the counties on disk that stand where this one would, as somebody there writes them."""
    with suppress(OSError):  # a folder that is not there, or may not be read
        return sorted(str(folder) for folder in path.parent.iterdir() if (folder / "county.yaml").is_file())
    return []


def _on_disk(path: Path) -> Folder:
    """Return a folder on disk, its id counted from the topmost folder above it that is no county."""
    tree = tree_around(path)
    # Files are shown below the root of the tree: an explanation says the same wherever it was asked from.
    id = path.resolve().relative_to(tree.root).as_posix()
    return Folder(id, id, path, tree)


def tree_around(path: Path) -> Tree:
    """Return the tree of counties that a folder on disk stands in, itself perhaps still to be written."""
    root = path.resolve().parent
    while (root / "county.yaml").is_file():
        root = root.parent
    return Tree(root)


def load_policy(folder: Folder, shelf: Shelf, words: Sequence[Fact] = ()) -> Policy:
    """Read, merge and check a county; `words` are the facts that plugins add. Raises PolicyError with all problems."""
    problems: list[Problem] = []
    layers = read_layers(folder, shelf, words, problems)
    if not layers:
        raise PolicyError(problems)
    policy = _merge([layer for _folder, layer in layers], folder, digest(below for below, _layer in layers), problems)
    if policy is None or problems:
        raise PolicyError(problems)
    problems += check(policy)
    if problems:
        raise PolicyError(problems)
    return policy


def digest(folders: Iterable[Folder]) -> str:
    """Return the SHA-256 of `DECISIONS_VERSION` and every chapter and table of a policy; cases are no part of it."""
    made = hashlib.sha256(b"decisions/%d\0" % DECISIONS_VERSION)
    for folder in folders:
        for name in folder.names():
            if (name in CHAPTERS and name != "cases.yaml") or name.endswith(".csv"):
                content = folder.content(name) or b""
                made.update(f"{folder.id}/{name}\0{len(content)}\0".encode())
                made.update(content)
    return made.hexdigest()


def _merge(layers: list[Layer], folder: Folder, digest: str, problems: list[Problem]) -> Policy | None:
    top = layers[-1]
    county = _county(layers, folder, problems)
    said = {name: merged([layer.chapters[name] for layer in layers], problems) for name in top.chapters}
    if county is None:
        return None
    kept = {measure.fact.name for measure in said["measures.yaml"]}
    return Policy(
        county=county,
        layers=tuple(layer.id for layer in layers),
        facts={name: fact for name, fact in top.facts.items() if fact.scope is not Scope.MEASURE or name in kept},
        digest=digest,
        measures=said["measures.yaml"],
        review=said["review.yaml"],
        hours=said["hours.yaml"],
        earning=said["earning.yaml"],
        stars=next(iter(said["stars.yaml"]), None),
        perks=tuple(said_of for said_of in said["perks.yaml"] if isinstance(said_of, Perk)),
        choices=tuple(said_of for said_of in said["perks.yaml"] if isinstance(said_of, PerkChoice)),
        accounts=tuple(_changed(account, said["transition.yaml"]) for account in said["accounts.yaml"]),
        offers=said["redemption.yaml"],
        menu=said["menu.yaml"],
        commendations=said["commendation.yaml"],
        sanctions=said["sanctions.yaml"],
        transitions=said["transition.yaml"],
    )


def _changed(account: Account, transitions: Iterable[Transition]) -> Account:
    """Return an account with what the transitions of the county do to it, in the order of their days."""
    found = [
        Change(transition.clause, transition.on_day, said.how)
        for transition in transitions
        for said in transition.accounts
        if said.account == account.clause.id and said.how is not Fate.KEEP
    ]
    return replace(account, changes=tuple(sorted(found, key=lambda change: change.on_day))) if found else account


def _county(layers: list[Layer], folder: Folder, problems: list[Problem]) -> County | None:
    head = layers[-1].head
    time_zone = next((layer.head.time_zone for layer in reversed(layers) if layer.head.time_zone), "")
    in_force = next((layer.head for layer in reversed(layers) if layer.head.in_force_from is not None), None)
    said_wrong = any(problem.location.path == head.location.path for problem in problems)
    for key, value in (("time_zone", time_zone), ("in_force", in_force)):
        if not value and not said_wrong:
            problems.append(Problem("P015", head.location, (("key", KEYS[key] if head.script == "zh" else key),)))
    if not time_zone or in_force is None or in_force.in_force_from is None:
        return None
    return County(
        id=CountyId(folder.id),
        name=head.name,
        label=head.label,
        region=head.region,
        based_on=head.based_on,
        in_force_from=in_force.in_force_from,
        in_force_until=in_force.in_force_until,
        counts_from=in_force.counts_from or in_force.in_force_from,
        time_zone=time_zone,
        clause=Clause("county", head.location, head.source, head.label, folder.id),
        facts=tuple(layers[-1].facts.values()),
        calendar=next((layer.head.calendar for layer in reversed(layers) if layer.head.calendar), ""),
        campaigns=reduce(layered, (layer.head.campaigns for layer in layers), ()),
        in_force_at=in_force.in_force_at,
    )


def check(policy: Policy) -> list[Problem]:
    """Return what is wrong with a policy as a whole."""
    return [
        *_ids_across_chapters(policy),
        *_names_twice(policy),
        *_holes(policy),
        *hours_order(policy),
        *points_order(policy),
        *limits_before_points(policy),
        *points_without_measure(policy),
        *rivals(policy),
        *_days_before_the_first_value(policy),
        *_unknown_measures(policy),
        *_perks_above_the_ladder(policy),
        *_without_a_price(policy),
        *_prices_above_the_ladder(policy),
        *what_is_named(policy),
        *review_problems(policy),
        *entrance_problems(policy),
        *score_problems(
            policy, conditions_in((policy.hours, policy.earning)), conditions_in((policy.stars, policy.sanctions))
        ),
        *transition_problems(policy),
        *commendation_problems(policy),
    ]


def _ids_across_chapters(policy: Policy) -> Iterator[Problem]:
    first: dict[str, Clause] = {}
    for clause in policy.clauses:
        if clause.id in first:
            yield Problem("P201", clause.location, (("id", clause.id), ("first", str(first[clause.id].location))))
        first.setdefault(clause.id, clause)


def _names_twice(policy: Policy) -> Iterator[Problem]:
    """People know a perk, an account, an offer by its name: two of one name in one chapter are one too many."""
    for clauses in (
        [*(perk.clause for perk in policy.perks), *(choice.clause for choice in policy.choices)],
        [said.clause for said in policy.accounts],
        [said.clause for said in policy.offers],
        [said.clause for said in policy.menu],
        [said.clause for said in policy.commendations],
        [said.clause for said in policy.sanctions],
    ):
        first: dict[str, str] = {}
        for clause in clauses:
            label = clause.label.zh
            if label and first.setdefault(label, clause.id) != clause.id:
                yield name_taken(clause.location, label, first[label])


def _holes(policy: Policy) -> Iterator[Problem]:
    """A layer may have added values to a fact by which a table of a layer below is looked up."""
    for step in policy.earning:
        for table in step.rates.tables if isinstance(step, PointsPerHour | PointsPerEvent | Multiply | Add) else ():
            hole = hole_in(table, tuple(policy.facts[name] for name in table.by))
            if hole is not None:
                yield Problem("P308", table.location, (("keys", hole),))


def _days_before_the_first_value(policy: Policy) -> Iterator[Problem]:
    start = policy.county.in_force_from
    for dated in _needed_on(
        start,
        (
            policy.review,
            policy.hours,
            policy.earning,
            policy.measures,
            policy.stars,
            policy.sanctions,
            *_opening(policy),
        ),
    ):
        first = dated.entries[0]
        if first.day > start:
            yield Problem("P316", first.location, (("day", str(first.day)), ("start", str(start))))


def _opening(policy: Policy) -> tuple[object, ...]:
    """What opens on a star, a condition or a balance."""
    return (policy.perks, policy.choices, policy.accounts, policy.offers, policy.commendations, policy.menu)


def _asked(key: Key) -> FactValue | None:
    """Return a value that leads to a row: to the default row one that no file can hold, so that none other names it."""
    if isinstance(key, Other):
        return None if key is Other.MISSING else "\0"
    return key


def _needed_on(day: date, shape: object) -> Iterator[Dated[object]]:
    """Yield every value that has to be in force on a day: all but those for which another row of a table stands in."""
    if isinstance(shape, Dated):
        yield shape
    elif isinstance(shape, tuple):
        for part in shape:
            yield from _needed_on(day, part)
    elif isinstance(shape, Table):
        for keys, cell in shape.cells.items():
            if shape.since(tuple(map(_asked, keys)), day) is None:
                yield cell.value  # type: ignore[misc]
    elif is_dataclass(shape):
        for field in fields(shape):
            yield from _needed_on(day, getattr(shape, field.name))


def conditions_in(shape: object) -> Iterator[Condition]:
    """Yield every test of every condition in a shape."""
    match shape:
        case Compare() | DatedCompare() | CompareFacts() | OneOf() | Missing():
            yield shape
        case AllOf() | AnyOf():
            for part in shape.parts:
                yield from conditions_in(part)
        case Not():
            yield from conditions_in(shape.part)
        case tuple():
            for part in shape:
                yield from conditions_in(part)
        case _ if is_dataclass(shape) and not isinstance(shape, Table):
            for field in fields(shape):
                yield from conditions_in(getattr(shape, field.name))
        case _:
            return


def _unknown_measures(policy: Policy) -> Iterator[Problem]:
    """A layer may have removed a measure that a statement below still asks."""
    for test in conditions_in(
        (policy.hours, policy.earning, policy.measures, policy.stars, policy.sanctions, *_opening(policy))
    ):
        assert isinstance(test, Compare | DatedCompare | CompareFacts | OneOf | Missing)
        if test.fact not in {**policy.facts, **OFFER_WORDS, **MENU_WORDS}:
            yield Problem("P301", test.location, (("fact", test.fact),))


def _perks_above_the_ladder(policy: Policy) -> Iterator[Problem]:
    top = policy.stars.levels[-1].star if policy.stars is not None else 0
    for test in conditions_in((policy.perks, policy.offers, policy.commendations, policy.menu)):
        if not isinstance(test, Compare) or test.fact != "stars" or not isinstance(test.operand, int):
            continue
        if test.operator in (Operator.AT_LEAST, Operator.EQUALS) and test.operand > top:
            yield Problem("P317", test.location, (("star", str(test.operand)), ("top", str(top))))


def _priced_by_star(policy: Policy) -> Iterator[tuple[Table, Condition | None]]:
    """Yield each price that is by the star alone, and the condition on which anybody pays it."""
    priced = [(table, perk.condition) for perk in policy.perks for table in (perk.pays, perk.worth)]
    for table, condition in (*priced, *((offer.price, offer.when) for offer in policy.offers)):
        if table is not None and table.by == (STARS_FACT.name,):
            yield table, condition


def _without_a_price(policy: Policy) -> Iterator[Problem]:
    """A price by star says what every star pays who can have it."""
    stars = [0, *(level.star for level in policy.stars.levels)] if policy.stars is not None else [0]
    for table, condition in _priced_by_star(policy):
        for star in stars:
            may_have = condition is None or _may_hold(condition, star)
            if may_have and next(table.cells_for((star,)), None) is None:
                yield Problem("P308", table.location, (("keys", f"stars: {star}"),))


def _prices_above_the_ladder(policy: Policy) -> Iterator[Problem]:
    """Who writes the ladder knows where it ends; a layer above may have had a longer one in mind."""
    if policy.stars is None:
        return
    top, here = policy.stars.levels[-1].star, PurePath(policy.stars.clause.location.path).parent
    for table, _condition in _priced_by_star(policy):
        for (star,) in table.cells:
            if isinstance(star, int) and star > top and PurePath(table.location.path).parent == here:
                yield Problem("P317", table.location, (("star", str(star)), ("top", str(top))))


def _may_hold(condition: Condition, star: int) -> bool:
    """Tell whether a condition can hold for somebody who holds this star, whatever else is true of them."""
    match condition:
        case AllOf():
            return all(_may_hold(part, star) for part in condition.parts)
        case AnyOf():
            return any(_may_hold(part, star) for part in condition.parts)
        case Compare(fact=STARS_FACT.name, operand=int(operand)):
            return holds(condition.operator, star, operand)
        case DatedCompare(fact=STARS_FACT.name):
            operands = (entry.value for entry in condition.operands.entries)
            return any(isinstance(value, int) and holds(condition.operator, star, value) for value in operands)
        case OneOf(fact=STARS_FACT.name):
            return star in condition.operands
        case Not() if facts_of(condition.part) == {STARS_FACT.name}:
            return not _may_hold(condition.part, star)
        case _:
            return True
