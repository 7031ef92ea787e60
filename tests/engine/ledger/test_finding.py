"""Who is meant in a whole county is found by an index, whatever the text that is asked for."""

from __future__ import annotations

import dataclasses

import pytest

from lianxing.engine.ledger.finding import LENGTH_MAX, RECIPIENT, STATE
from lianxing.engine.ledger.opening import open_ledger
from tests.engine.ledger.making import COUNTY, WULING, book, correcting, original, record

NAMES = ["R1", "张奶奶", 'so-called "R1"', "back\\slash", "x" * (LENGTH_MAX + 50)]


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_whoever_served_a_recipient_is_found_by_the_recipients_name(ledger_address: str, at: int) -> None:
    with open_ledger(ledger_address, durable=False) as ledger:
        served = [record(str(n), f"V{n}", facts={RECIPIENT: name}) for n, name in enumerate(NAMES)]
        told = dataclasses.replace(original(record("told", "T")), supplied={RECIPIENT: NAMES[at]})
        book(ledger, *map(original, served), told, original(record("other", "O")))
        with ledger.reading() as reading:
            assert reading.with_records(COUNTY, RECIPIENT, [NAMES[at]]) == ["T", f"V{at}"]
            assert reading.with_records(WULING, RECIPIENT, [NAMES[at]]) == []


def test_a_record_is_found_by_the_state_that_it_is_in_now(ledger_address: str) -> None:
    with open_ledger(ledger_address, durable=False) as ledger:
        applied = record("r1", facts={STATE: "applied"})
        book(ledger, original(applied), original(record("r2", "V2", facts={STATE: "filed"})))
        with ledger.reading() as reading:
            assert reading.with_records(COUNTY, STATE, ["applied", "reviewed"]) == ["V1"]
        filed = dataclasses.replace(applied, facts={STATE: "filed"})
        book(ledger, correcting(filed, 1, 1, 0, 0))
        with ledger.reading() as reading:
            assert reading.with_records(COUNTY, STATE, ["applied", "reviewed"]) == []
            assert reading.with_records(COUNTY, STATE, ["filed"]) == ["V1", "V2"]
