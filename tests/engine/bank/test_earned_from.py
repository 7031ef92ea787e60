"""What records bring into an account that is earned from a measure."""

from __future__ import annotations

from pathlib import Path

from lianxing.engine.bank.replaying import replay
from tests.engine.bank.counter import bank
from tests.engine.bank.counting_house import ACCOUNTS
from tests.engine.bank.test_star_points import STARS
from tests.plugins.smallville import COUNTY, served

CAMPAIGN = COUNTY["measures.yaml"] + "campaign: {sum: points, over: {from: 2024-01-01, until: 2024-01-31}}\n"
FROM_IT = ACCOUNTS.replace("earned_from: points", "earned_from: campaign")


def test_the_account_of_a_campaign_takes_what_the_days_of_the_campaign_bring_and_nothing_else(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=FROM_IT, measures=CAMPAIGN) as counter:
        assert counter.has() == {"points": 200}  # of the service of 10 January, not of that of 30 December
        counter.take(served("2024-01-10", "2024-02-01 09:00", 2))
        assert counter.has() == {}
        counter.take(served("2023-12-30", "2024-01-31 09:00", 1))
        assert counter.has() == {"points": 100}
        assert replay(counter.ledger, [counter.rulebook]).differences == []


def test_the_account_of_a_campaign_takes_no_points_that_come_with_a_star(tmp_path: Path) -> None:
    with bank(tmp_path, accounts=FROM_IT, measures=CAMPAIGN, stars=STARS) as counter:
        assert "star_points" not in counter.kinds()
        assert replay(counter.ledger, [counter.rulebook]).differences == []
