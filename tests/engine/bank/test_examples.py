"""Worked examples of the domain, against the real bank with the county that they are of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson

from lianxing.engine.bank.replaying import replay
from lianxing.engine.bank.reviews import Reviewer
from lianxing.engine.bank.tellers import Teller
from lianxing.engine.compiling import find_folder, load_policy
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.matchers import matcher_factory
from lianxing.engine.passbooks import Passbooks
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.rules.commands import RecordStep, Redeem, Settle
from lianxing.rules.facts import RecordId, RegistryId, VolunteerId
from lianxing.rules.records import Volunteer
from lianxing.rules.reviewing import Doing
from lianxing.rules.standings import Standing
from tests.plugins.smallville import Registry, served

ANN = VolunteerId("V1")
HOUR = 3600


def test_44_points_wait_for_the_street_and_service_in_return_takes_time_but_no_star(tmp_path: Path) -> None:
    """3 h 40 min 优, 2 h 良, 1 h 差: 6.2 points and 6.5 hours, pending until the sub-district files them."""
    shelf = Host(installed=False).shelf()
    policy = load_policy(find_folder("cn/hunan/zhuzhou/youxian", shelf), shelf)
    with (
        Rulebook(policy, matcher_factory("plain")) as rulebook,
        open_ledger(str(tmp_path / "bank.db")) as ledger,
    ):
        _three_services(rulebook, ledger)
        assert (_pending(rulebook, ledger), _accounts(rulebook, ledger)) == ((620, 6 * HOUR + 1800), {})

        reviewer = Reviewer(ledger, rulebook)
        for number in (1, 2, 3):
            answer = reviewer.serve(
                RecordStep(
                    volunteer=ANN,
                    county=policy.county.id,
                    on=date(2024, 6, 7),
                    scope="street",
                    key=f"file {number}",
                    actor="clerk 7",
                    registry=RegistryId("test"),
                    record=RecordId(f"R{number}"),
                    doing=Doing.ADVANCED,
                    role="街道志愿服务部",
                )
            )
            assert answer.accepted
        assert (_pending(rulebook, ledger), _accounts(rulebook, ledger)) == (
            (0, 0),
            {"points": 620, "time_credits": 6 * HOUR + 1800},
        )
        before = _stands(rulebook, ledger)

        in_return = Redeem(
            volunteer=ANN,
            county=policy.county.id,
            on=date(2024, 6, 15),
            scope="street",
            key="in return",
            offer="service_in_return",
            units=2,
        )
        teller = Teller(ledger, rulebook)
        reserved = teller.serve(in_return)
        assert reserved.accepted
        assert _accounts(rulebook, ledger) == {
            "points": 620,
            "time_credits": 4 * HOUR + 1800,
            "time_credits/held": 2 * HOUR,
        }
        served_to_her = Settle(
            volunteer=ANN,
            county=policy.county.id,
            on=date(2024, 6, 15),
            scope="street",
            key="served",
            entry=reserved.entry,
        )
        assert teller.serve(served_to_her).accepted
        assert _accounts(rulebook, ledger) == {"points": 620, "time_credits": 4 * HOUR + 1800}
        after = _stands(rulebook, ledger)
        assert (after.measures, after.star_held) == (before.measures, before.star_held)
        assert verify(ledger) == []
        assert replay(ledger, [rulebook]).differences == []


def _three_services(rulebook: Rulebook, ledger: Ledger) -> None:
    records = []
    for number, (minutes, grade) in enumerate(((220, "优"), (120, "良"), (60, "差")), 1):
        record = served(f"R{number}", f"2024-06-0{number} 09:00", 0)
        seconds = minutes * 60
        records.append(
            replace(
                record,
                county=rulebook.policy.county.id,
                ended_at=record.started_at + seconds,
                seconds=seconds,
                facts={"category": "community_service", "state": "reviewed", "evaluation": grade},
            )
        )
    host = Host(installed=False)
    host.register(Registry(*records, volunteers=[Volunteer(ANN, facts={"in_difficulty": 1})]), "test")
    report = Intake(host, rulebook, ledger, "test", date(2024, 6, 6), lambda _row: None).run()
    assert (report.booked, report.held) == (3, 3)


def _pending(rulebook: Rulebook, ledger: Ledger) -> tuple[int, int]:
    """Return the points and seconds that records would be worth and that wait."""
    points = seconds = 0
    with ledger.reading() as reading:
        for number in (1, 2, 3):
            body = orjson.loads(reading.entries(RegistryId("test"), RecordId(f"R{number}"))[-1].body)
            waits = body.get("pending", {"points": 0, "seconds": 0})
            points, seconds = points + waits["points"], seconds + waits["seconds"]
    return points, seconds


def _accounts(rulebook: Rulebook, ledger: Ledger) -> dict[str, int]:
    with ledger.reading() as reading:
        found = reading.accounts(ANN, rulebook.policy.county.id)
    return {account: posted for (account, _unit), posted in found.items() if account != "earned" and posted}


def _stands(rulebook: Rulebook, ledger: Ledger) -> Standing:
    return Passbooks(ledger, rulebook).standing(ANN, date(2024, 6, 15))
