"""Points that come with a star: booked once, of the day from which it is held, and put right with what it rested on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from lianxing.engine.bank.customers import customers
from lianxing.engine.bank.ending import Ended, end_all
from lianxing.engine.bank.passing import Passing
from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.sharing import pool_owner
from lianxing.engine.bank.star_points import of_stars
from lianxing.engine.bank.statements import statement
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.opening import open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.statement_sentences import statement_sentences
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import Close, Redeem, Refund, Reopen, Settle
from lianxing.rules.facts import RecordId, RegistryId
from lianxing.rules.records import Withdrawn
from lianxing.rules.reviewing import Doing
from tests.engine.bank import test_reviews
from tests.engine.bank.counter import Counter, bank, codes
from tests.engine.bank.counting_house import ACCOUNTS, ANN, HERE, OFFERS, rules
from tests.engine.bank.forging import copy_of, exchange, forged
from tests.engine.bank.test_transitions import POT
from tests.plugins.smallville import COUNTY, served

GRANTS = "grants: {1: 25 points, 2: {2020-01-01: 5 points, 2024-03-01: 6 points}}\n"
STARS = COUNTY["stars.yaml"].replace("{at_least: 2 points}", "{at_least: 4 points}") + GRANTS
SINCE, DAY = date(2024, 1, 10), date(2024, 6, 1)  # Ann's second record makes it four points on that day


def mistake(record: str) -> Withdrawn:
    return Withdrawn(RecordId(record), RegistryId("test"), "a mistake")


def run(counter: Counter, on: date = DAY) -> Ended:
    return end_all(counter.ledger, counter.rulebook, on)


def bodies(counter: Counter) -> list[dict[str, Any]]:
    with counter.ledger.reading() as reading:
        stored = reading.passbook_entries(ANN, HERE)
    return [orjson.loads(one.body) for one in stored if one.entry.kind == "star_points"]


def earned(counter: Counter, on: date) -> object:
    with counter.ledger.reading() as reading:
        return customers(reading, counter.rulebook, [ANN])[ANN].measures(on)["points_earned"]


def agrees(counter: Counter) -> None:
    done = replay(counter.ledger, [counter.rulebook])
    assert (done.differences, done.left_out) == ([], {})


@pytest.fixture
def town(tmp_path: Path, address: str) -> Iterator[Counter]:
    with bank(tmp_path, address, stars=STARS) as counter:
        yield counter
        agrees(counter)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Counter]:
    with bank(tmp_path, stars=STARS) as counter:
        yield counter
        agrees(counter)


def test_an_import_that_makes_a_star_known_books_its_points_once(town: Counter) -> None:
    assert town.kinds() == ["original", "original", "star_points"]
    assert town.has() == {"points": 2900}
    assert run(town) == Ended()
    (body,) = bodies(town)
    assert body["star"] == 1
    assert (body["points"], body["held_since"], body["was"]) == (2500, "2024-01-10", None)
    assert (body["clause"], body["at"]) == ("stars", "smallville/stars.yaml:5:13")
    assert run(town, date(2025, 1, 11)).amounts == {"points": 2900}  # earned on that day, and over after twelve months
    assert town.has() == {}


def test_a_statement_says_of_which_star_and_by_which_line_in_both_languages(here: Counter) -> None:
    found = statement(here.ledger, here.rulebook, ANN, None, DAY)
    english, chinese = (
        "\n".join(statement_sentences(found, here.rulebook.policy.facts, language)) for language in ("en", "zh")
    )
    assert "  2024-01-10 entry 3 points with a star, star 1 (" in english
    assert "+25 points, then 29 points" in english
    assert "[stars, smallville/stars.yaml:5" in english
    assert "  2024-01-10 第 3 号 星级奖励积分，1 星（" in chinese


def test_a_run_books_what_an_import_did_not_before_anything_ends(tmp_path: Path) -> None:
    with bank(tmp_path) as counter:  # the rules know of no points yet
        pass
    (tmp_path / "smallville" / "stars.yaml").write_text(STARS)
    with rules(tmp_path / "smallville") as rulebook, open_ledger(str(tmp_path / "county.db")) as ledger:
        assert end_all(ledger, rulebook, DAY, dry_run=True).stars == {"points": 2500}
        assert end_all(ledger, rulebook, DAY).stars == {"points": 2500}
        assert end_all(ledger, rulebook, DAY) == Ended()
        assert replay(ledger, [counter.rulebook, rulebook]).differences == []


def test_who_asks_at_the_counter_has_the_points_of_a_star_that_came_by_itself(tmp_path: Path) -> None:
    stars = "levels: {1: {tenure: {at_least: 1 months}}}\n" + GRANTS.split(", 2")[0] + "}\naward: {by: automatic}\n"
    with bank(tmp_path, stars=stars) as counter:
        assert counter.kinds() == ["original", "original"]
        with counter.ledger.writing() as writing:
            (known,) = writing.volunteers([ANN]).values()
            writing.save_volunteers([type(known)(ANN, registered_on=date(2024, 4, 1))])
        assert codes(counter.ask(Redeem, date(2024, 4, 30), offer="rice", units=2)) == []
        assert codes(counter.ask(Redeem, date(2024, 4, 30), offer="soap")) == ["balance"]
        assert counter.ask(Redeem, date(2024, 5, 1), offer="soap").accepted
        assert counter.kinds()[-2:] == ["star_points", "held"]
        agrees(counter)


def test_with_the_record_that_a_star_rested_on_its_points_go_and_what_was_spent_is_owed(here: Counter) -> None:
    here.take(served("more", "2024-02-01 09:00", 2), on=DAY)
    here.take(served("most", "2024-03-01 09:00", 2), served("last", "2024-03-02 09:00", 2), on=DAY)
    assert here.has() == {"points": 1000 + 2500 + 600}  # the second star since 2 March, when it brings six
    for record in ("more", "most", "last"):
        here.take(mistake(record), on=DAY)
    assert here.has() == {"points": 2900}
    here.take(mistake("2024-01-10"), on=DAY)
    assert here.has() == {"points": 200}
    assert bodies(here)[-1]["points"] == 0
    here.take(served("again", "2024-05-01 09:00", 2), on=DAY)
    assert (here.has(), bodies(here)[-1]["held_since"]) == ({"points": 2900}, "2024-05-01")


def test_spent_points_of_a_star_that_was_none_are_owed(here: Counter) -> None:
    held = here.ask(Redeem, DAY, offer="rice", units=2)
    assert here.ask(Settle, DAY, entry=held.entry).accepted
    here.take(mistake("2024-01-10"), mistake("2023-12-30"), on=DAY)
    assert here.has() == {"points/debt": -400}


def test_a_star_that_was_reached_earlier_after_all_brought_its_points_on_that_day(here: Counter) -> None:
    here.take(served("late", "2024-01-02 09:00", 2), on=DAY)
    assert run(here) == Ended()
    assert (bodies(here)[-1]["held_since"], bodies(here)[-1]["was"]["held_since"]) == ("2024-01-02", "2024-01-10")
    assert run(here, date(2025, 1, 3)).amounts == {"points": 200 + 2500 + 200}
    assert here.has() == {"points": 200}


def test_a_star_that_is_lost_and_reached_again_brings_nothing_more(tmp_path: Path) -> None:
    measures = COUNTY["measures.yaml"] + "recent: {sum: points, over: {rolling: 3 months}}\n"
    with bank(tmp_path, measures=measures, stars=STARS.replace("points_earned", "recent")) as counter:
        counter.take(served("later", "2024-05-01 09:00", 2), served("last", "2024-05-02 09:00", 2), on=DAY)
        with counter.ledger.reading() as reading:
            stands = customers(reading, counter.rulebook, [ANN])[ANN].standing(DAY).star
        assert stands is not None
        assert [one.outcome.value for one in stands.decisions] == ["granted", "lost", "granted"]
        assert counter.has() == {"points": 800 + 2500}


def test_a_star_that_is_lost_because_its_points_were_spent_has_brought_them_all_the_same(tmp_path: Path) -> None:
    lowers = "lowers_the_basis: {spending: yes, expiry: yes, revocation: yes}\n"
    with bank(tmp_path, stars=STARS + lowers) as counter:
        held = counter.ask(Redeem, DAY, offer="rice", units=2)
        assert counter.ask(Settle, DAY, entry=held.entry).accepted
        assert codes(counter.ask(Redeem, DAY, offer="rice")) == ["per_person"]
        assert run(counter) == Ended()
        assert counter.has() == {"points": 2900 - 400}
        counter.take(mistake("2024-01-10"), on=DAY)  # no star on either side of it, but its points go
        assert bodies(counter)[-1]["points"] == 0
        assert run(counter) == Ended()
        assert counter.has() == {"points/debt": -200}
        agrees(counter)


@pytest.mark.parametrize("expiry", ["no", "yes"])
def test_spent_or_ended_points_of_a_star_lower_no_total(tmp_path: Path, address: str, expiry: str) -> None:
    lowers = f"lowers_the_basis: {{spending: yes, expiry: {expiry}, revocation: yes}}\n"
    offers = OFFERS.replace("stock: 3", "stock: unlimited")
    with bank(tmp_path, address, stars=STARS + lowers, redemption=offers) as counter:
        held = counter.ask(Redeem, DAY, offer="soap", units=6)
        assert earned(counter, DAY) == 400  # what is reserved is not spent
        assert counter.ask(Settle, DAY, entry=held.entry).accepted
        assert (counter.has(), earned(counter, DAY)) == ({"points": 2300}, 0)
        assert counter.ask(Refund, DAY, entry=held.entry).accepted
        assert (counter.has(), earned(counter, DAY)) == ({"points": 2900}, 400)
        over = date(2025, 1, 11)
        run(counter, over)
        assert (counter.has(), earned(counter, over)) == ({}, 0 if expiry == "yes" else 400)
        agrees(counter)


@pytest.mark.parametrize("spending", ["no", "yes"])
def test_a_star_of_an_earlier_day_brings_what_it_brought_then_whatever_lowers_the_basis(
    tmp_path: Path, spending: str
) -> None:
    lowers = f"lowers_the_basis: {{spending: {spending}, expiry: {spending}, revocation: yes}}\n"
    dated = STARS.replace("1: 25 points", "1: {2020-01-01: 20 points, 2024-01-05: 25 points}")
    with bank(tmp_path, stars=dated + lowers) as counter:
        held = counter.ask(Redeem, date(2024, 1, 20), offer="soap")
        assert counter.ask(Settle, date(2024, 1, 20), entry=held.entry).accepted
        assert counter.has() == {"points": 2900 - 100}
        counter.take(served("late", "2024-01-02 09:00", 2), on=date(2024, 1, 21))
        assert (bodies(counter)[-1]["points"], bodies(counter)[-1]["held_since"]) == (2000, "2024-01-02")
        assert counter.has() == {"points": 2600 - 100}
        for on in (date(2024, 2, 1), date(2025, 1, 3), date(2025, 2, 1), date(2025, 2, 2)):
            run(counter, on)
        assert len(bodies(counter)) == 2
        agrees(counter)


def test_a_run_tells_no_amount_where_points_of_a_star_only_change_their_day(tmp_path: Path) -> None:
    stored = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 90 points, overflow: lost}")
    with bank(tmp_path, stars=STARS, accounts=stored) as counter:
        pass
    (tmp_path / "smallville" / "stars.yaml").write_text(STARS.replace("4 points", "2 points"))
    with rules(tmp_path / "smallville") as rulebook, open_ledger(str(tmp_path / "county.db")) as ledger:
        assert end_all(ledger, rulebook, DAY) == Ended(people=1)
        assert end_all(ledger, rulebook, DAY) == Ended()
        assert replay(ledger, [counter.rulebook, rulebook]).differences == []


@pytest.mark.parametrize("spending", ["no", "yes"])
def test_an_undated_new_value_puts_right_what_came_in(tmp_path: Path, spending: str) -> None:
    lowers = f"lowers_the_basis: {{spending: {spending}, expiry: no, revocation: yes}}\n"
    with bank(tmp_path, stars=STARS + lowers) as counter:
        held = counter.ask(Redeem, DAY, offer="rice", units=2)
        assert counter.ask(Settle, DAY, entry=held.entry).accepted
    (tmp_path / "smallville" / "stars.yaml").write_text(STARS.replace("25 points", "50 points") + lowers)
    with rules(tmp_path / "smallville") as rulebook, open_ledger(str(tmp_path / "county.db")) as ledger:
        assert end_all(ledger, rulebook, DAY).stars == {"points": 2500}
        assert end_all(ledger, rulebook, DAY) == Ended()
        assert replay(ledger, [counter.rulebook, rulebook]).differences == []


def test_a_star_that_was_awarded_brings_its_points_with_the_step_and_not_when_it_was_revoked(tmp_path: Path) -> None:
    with test_reviews.bank(tmp_path, stars=test_reviews.STARS + "grants: {1: 25 points}\n") as counter:
        counter.brings(served("R1", "2024-05-01 09:00", 3, state="applied"))
        test_reviews.awarded(counter)
        assert (counter.balances()["points"], counter.kinds()[-1]) == (2800, "star_points")
        counter.does(counter.star_step(20, Doing.REVOKED, "the county"))
        assert (counter.balances()["points"], counter.kinds()[-1]) == (300, "star_points")


def test_what_is_over_the_storage_goes_where_the_account_says_and_comes_back_from_there(tmp_path: Path) -> None:
    full = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 10 points, overflow: donation_pool}")
    with bank(tmp_path, stars=STARS, accounts=full + POT) as counter:
        pool = pool_owner(next(one for one in counter.rulebook.policy.accounts if one.clause.id == "pot"))
        assert (counter.has(), counter.has(pool)) == ({"points": 1000}, {"pot": 1900})
        assert bodies(counter)[0]["unstored"][0]["over"] == 1900
        counter.take(mistake("2024-01-10"), on=DAY)
        assert (counter.has(), counter.has(pool)) == ({"points": 200}, {})
        agrees(counter)


def test_on_another_day_points_of_a_star_find_the_room_that_there_is(tmp_path: Path) -> None:
    full = ACCOUNTS.replace("storage: unlimited", "storage: {at_most: 10 points, overflow: donation_pool}")
    stars = STARS.split("grants")[0] + "grants: {1: 8 points}\n"
    with bank(tmp_path, stars=stars, accounts=full + POT) as counter:
        pool = pool_owner(next(one for one in counter.rulebook.policy.accounts if one.clause.id == "pot"))
        assert (counter.has(), counter.has(pool)) == ({"points": 1000}, {"pot": 200})
        held = counter.ask(Redeem, DAY, offer="soap", units=3)
        assert counter.ask(Settle, DAY, entry=held.entry).accepted
        counter.take(mistake("2024-01-10"), served("later", "2024-05-01 09:00", 2), on=DAY)
        assert (bodies(counter)[-1]["held_since"], "unstored" in bodies(counter)[-1]) == ("2024-05-01", False)
        assert (counter.has(), counter.has(pool)) == ({"points": 400 + 800 - 300}, {})
        assert run(counter) == Ended()
        agrees(counter)


def test_a_closed_passbook_gets_what_came_before_and_nothing_after(here: Counter) -> None:
    here.take(served("more", "2024-02-01 09:00", 2), on=DAY)
    assert here.ask(Close, DAY, event=ClosingEvent.LEAVING).accepted
    here.take(served("most", "2024-03-01 09:00", 2), served("last", "2024-03-02 09:00", 2), on=DAY)
    assert (here.has(), run(here)) == ({}, Ended())


def test_a_star_reached_while_the_passbook_was_closed_brings_nothing_when_it_is_open_again(tmp_path: Path) -> None:
    with bank(tmp_path, stars=STARS) as counter:
        assert counter.ask(Close, DAY, event=ClosingEvent.MOVING).accepted
        months = (2, 3, 4)
        counter.take(*(served(f"more {month}", f"2024-0{month}-01 09:00", 2) for month in months), on=DAY)
        assert counter.ask(Reopen, date(2024, 7, 1)).accepted
        counter.take(served("new", "2024-07-01 09:00", 2), on=date(2024, 7, 2))
        assert (counter.has(), run(counter)) == ({"points": 200}, Ended())
        agrees(counter)


def test_a_closed_passbook_owes_the_points_of_a_star_that_was_none(here: Counter) -> None:
    assert here.ask(Close, DAY, event=ClosingEvent.LEAVING).accepted
    here.take(mistake("2024-01-10"), on=DAY)
    assert (here.has(), run(here)) == ({"points/debt": -200 - 2500}, Ended())
    here.take(served("again", "2024-05-01 09:00", 2), on=DAY)
    assert (here.has(), run(here)) == ({"points/debt": -2500}, Ended())


def test_points_of_a_star_that_were_left_out_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lianxing.plugins.intake.book_stars", lambda *_: None)
    with bank(tmp_path, stars=STARS) as counter:
        policy = counter.rulebook.policy
        assert policy.stars is not None
        brings_none = Rulebook(replace(policy, stars=replace(policy.stars, grants=())), matcher_factory("plain"))
        agrees(counter)  # the night may still book them
        assert Teller(counter.ledger, brings_none).serve(counter.command(Redeem, DAY, offer="soap")).accepted
        (found,) = replay(counter.ledger, [counter.rulebook]).differences
        assert (found.entry, found.stored, found.recomputed) == (3, "held", "star_points")


def test_points_of_a_star_that_came_twice_are_found(tmp_path: Path) -> None:
    with bank(tmp_path, stars=STARS) as counter:
        with counter.ledger.writing() as writing:
            writing.lock([(ANN, HERE)])
            customer = customers(writing, counter.rulebook, [ANN])[ANN]
            customer.number = writing.number((ANN, HERE))
            for account in counter.rulebook.policy.accounts:
                customer.wallet(account).stars.clear()
            writing.enter([*of_stars(counter.rulebook, customer, Passing(counter.rulebook, {}), DAY)])
        assert (counter.has(), verify(counter.ledger)) == ({"points": 400 + 2 * 2500}, [])
        (found,) = replay(counter.ledger, [counter.rulebook]).differences
        assert (found.entry, found.what, found.stored, found.recomputed) == (4, "stars", "1", None)


def test_points_of_a_star_that_somebody_has_changed_are_found(tmp_path: Path) -> None:
    with bank(tmp_path, stars=STARS) as counter:
        copy = copy_of(tmp_path, "county.db")
        with forged(copy) as connection:
            exchange(connection, "entry", "body", '"points":2500', '"points":2600', "kind = 'star_points'")
        with open_ledger(str(copy)) as ledger:
            assert verify(ledger) == []
            (found,) = replay(ledger, [counter.rulebook]).differences
            assert (found.entry, found.stored, found.recomputed) == (3, "2600", "2500")
