"""The points that come with a star: booked once it is held, into the person's accounts that are earned from points.

A star reaches a passbook on the first thing that is asked of it on or after the day from which the star is held, or by
a run, and is earned on that day. Where the record or the award on which it rested is taken back, so are the points;
where the star is held from another day, they are of that day. A star that was lost later has brought them all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from lianxing.engine.bank.booking import UNSTORED, Effects, besides, clause_data, first_lot, outside_data
from lianxing.engine.bank.crediting import is_for
from lianxing.engine.bank.customers import Customer, customers
from lianxing.engine.bank.deposits import Worth, change, on_days
from lianxing.engine.bank.drafting import draft_of
from lianxing.engine.bank.keeping import keep_policy
from lianxing.engine.bank.passing import Passing, at_hand
from lianxing.engine.bank.sharing import is_person, shared
from lianxing.engine.bank.turning import turned
from lianxing.engine.ledger.drafts import BOOKED_ON, Draft
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.touches import WITH_STAR
from lianxing.engine.wallet import NOTHING, StarPoints, Unstored, Wallet
from lianxing.engine.wallets import knows_worth
from lianxing.rules.accounts import Account, Holder
from lianxing.rules.dates import Dated
from lianxing.rules.facts import VolunteerId
from lianxing.rules.measures import POINTS
from lianxing.rules.policy import Policy
from lianxing.rules.standings import Standing

STAR_POINTS = "star_points"  # the kind of an entry

_THEIRS = (Holder.PERSON, Holder.FAMILY)
_Points = tuple[int, date]  # so many, and the day from which the star is held


class _Star(NamedTuple):
    """What a star brings by a day, and what it would bring if nothing lowered what it rests on."""

    number: int
    brings: Dated[int]
    in_force_from: date
    held: _Points | None
    unlowered: _Points | None

    def comes_to(self, there: StarPoints | None, on: date) -> _Points | None:
        """Return what is to be in an account, in which so much is `there`.

        What is there of a later day than this one stays. It stays on its day, too, where the star would be held from
        later or not at all only because something lowers it: it brought them on that day all the same.
        """
        if there is not None and self.held is None and there.on > on:
            return there[:2]
        found = [one for one in (self.held, self.unlowered) if one is not None]
        comes = max(found, key=lambda one: one[1]) if len(found) == 2 else None
        if there is None or self.unlowered is None or self.unlowered[1] > there.on:
            return comes
        if comes is not None and comes[1] <= there.on:
            return comes
        return self.brings.on(max(there.on, self.in_force_from)), there.on


def brings_points(policy: Policy) -> bool:
    """Tell whether stars bring points, and somebody has an account for them."""
    return policy.stars is not None and bool(policy.stars.grants) and bool(_accounts(policy))


def reached(rulebook: Rulebook, customer: Customer, passing: Passing, on: date) -> Iterator[Draft]:
    """Yield what is to be written for somebody before anything else on a day: changes of rules, then stars.

    Their wallets, and in `passing` those of pools, change with each entry, when it is asked for.
    """
    changes = turned(rulebook, customer, on)
    for draft in changes:
        customer.touched_by(draft)
    yield from changes
    yield from of_stars(rulebook, customer, passing, on)


def of_stars(rulebook: Rulebook, customer: Customer, passing: Passing, on: date) -> Iterator[Draft]:
    """Yield what is to be written for the stars of somebody by a day."""
    if not is_person(customer.person.id) or not rulebook.once(brings_points):
        return
    if on < rulebook.policy.county.in_force_from:
        return
    for star in [*_due(customer, on)]:
        draft = _booked(rulebook, customer, passing, on, star)
        if draft is not None:
            customer.touched_by(draft)
            yield draft
            yield from passing.taken()


def book_stars(ledger: Ledger, rulebook: Rulebook, people: Iterable[VolunteerId], on: date) -> None:
    """Book what stars have brought these people by a day; doing it twice does nothing more."""
    ids, county = list(dict.fromkeys(people)), rulebook.policy.county.id
    if not ids or not rulebook.once(brings_points):
        return
    with ledger.writing() as writing:
        beside = [id for id in shared(rulebook.policy) if id not in ids]
        writing.lock((id, county) for id in (*ids, *beside))
        passing = at_hand(writing, rulebook, beside, on)
        drafts: list[Draft] = []
        for id, customer in customers(writing, rulebook, ids).items():
            customer.number = writing.number((id, county))
            drafts += reached(rulebook, customer, passing, on)
        if drafts:
            keep_policy(writing, rulebook.policy)
            writing.enter(drafts)


def _accounts(policy: Policy) -> list[Account]:
    """Return the accounts that are earned from points, or from a measure that adds all of them up."""
    sums = {one.clause.id for one in policy.measures if one.of == POINTS and one.where is None and not one.window.fixed}
    return [one for one in policy.accounts if one.holder in _THEIRS and one.earned_from in {POINTS, *sums}]


def _due(customer: Customer, on: date) -> Iterator[_Star]:
    policy = customer.rulebook.policy
    since = policy.county.in_force_from
    held, unlowered = _brought(customer.standing(on)), _brought(customer.unlowered(on))
    for star, brings in () if policy.stars is None else policy.stars.grants:
        yield _Star(star, brings, since, held.get(star), unlowered.get(star))


def _brought(standing: Standing) -> dict[int, _Points]:
    return {} if standing.star is None else {one.star: (one.points, one.on) for one in standing.star.grants}


def _booked(rulebook: Rulebook, customer: Customer, passing: Passing, on: date, star: _Star) -> Draft | None:
    """Return the entry that brings the points of a star, or puts them right; None where they are as they should be."""
    effects, was, now, unstored = Effects(), None, None, []
    for account in _accounts(rulebook.policy):
        wallet = customer.wallet(account)
        there = wallet.stars.get(star.number)
        here = star.comes_to(there, on)
        if here is not None and not is_for(rulebook, customer.person, account, here[1]):
            here = None
        if here is not None and customer.closings.shut(here[1]) is not None:
            here = _at_most(there, here)
        if here == (None if there is None else there[:2]):
            continue
        was, now = was or there, now or here
        _put(customer.wallet(account, ended=there is not None), effects, star.number, here, on, customer.number + 1)
        unstored += _not_stored(wallet, star.number)
    if not effects.lines and not effects.wallets:
        return None
    customer.number += 1
    passing.share(customer.person.id, effects, on, "overflow")
    body = {"allowed": True, **_said(rulebook.policy, star.number, was, now), BOOKED_ON: on.isoformat()}
    if unstored:
        body[UNSTORED] = unstored
    day = now[1] if now is not None else was.on if was is not None else on
    return draft_of(rulebook, customer, STAR_POINTS, body, effects, day)


def _at_most(there: StarPoints | None, here: _Points | None) -> _Points | None:
    """Return what is to be in an account of a passbook that is closed: nothing more comes in, nor on another day."""
    return None if there is None or here is None else (min(there.points, here[0]), there.on)


def _put(wallet: Wallet, effects: Effects, star: int, now: _Points | None, today: date, entry: int) -> None:
    source = f"{WITH_STAR}{star}"
    wallet.next_lot = max(wallet.next_lot, first_lot(entry))
    was, before = wallet.stars.get(star), besides(wallet)
    if was is not None:
        wallet.unstored[source] = was.unstored
    points, day = now or (0, was.on if was is not None else today)
    worth = Worth(0 if was is None else was.points, points, was is not None and bool(points) and was.on != day)
    knows_worth(wallet, source, worth.was)
    moves = on_days(wallet.account, day, None if was is None else was.on, worth)
    if was is not None and worth.redated and wallet.account.storage is not None:  # there may be more room, or less
        moves = [(was.on, -was.points), (day, points)]
    for of, more in moves:
        change(wallet, effects, source, of, more, today)
    wallet.stars.pop(star, None)
    if now is not None:
        wallet.stars[star] = StarPoints(points, day, wallet.unstored.get(source, Unstored()))
    effects.add(wallet, NOTHING, before)


def _not_stored(wallet: Wallet, star: int) -> list[dict[str, Any]]:
    """Return what an account has not taken in of the points of a star, as the body of a record says it."""
    account, found = wallet.account, wallet.stars.get(star)
    if found is None or not any(found.unstored):
        return []
    return outside_data(account, found.unstored)


def _said(policy: Policy, star: int, was: StarPoints | None, now: _Points | None) -> Mapping[str, Any]:
    """Return of which star it is, what it brings since when, what it was said to bring, and where that stands."""
    scale = policy.stars
    assert scale is not None
    points = next(points for granted, points in scale.grants if granted == star)
    day = now[1] if now is not None else was.on if was is not None else date.min
    at = points.since(max(day, policy.county.in_force_from)).location
    return {
        "star": star,
        "points": 0 if now is None else now[0],
        "held_since": None if now is None else now[1].isoformat(),
        "was": None if was is None else {"points": was.points, "held_since": was.on.isoformat()},
        **clause_data(scale.clause),
        "at": str(at),
    }
