"""Processes at the counter of a small bank that are killed; each line is said at once, in one piece.

`S command` is said before a command is asked (as JSON), `A key entry` after its answer; `A people` after each few
people of an expiry run.

serve LEDGER COUNTY FIRST            three clerks without an end, two of them at one window
once LEDGER COUNTY LEVEL STEPS       one clerk, then an expiry run; LEVEL is SQLite's `synchronous`
lie LEDGER COUNTY                    answer, then die before the commit
everywhere LEDGER COUNTY             die at the first statement of a redemption, the next ...
end LEDGER COUNTY STATEMENT          an expiry run, a few people at once, that dies at a statement (0: none)
take LEDGER COUNTY [CHUNK]           take in `deliveries()`, so many records in a transaction

Called with one of these, it does that. Called with nothing, it reads such lines (JSON) and does each in a child of its
own, which spares loading everything again: `P pid` is said first, `E` when the child has ended.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from threading import Thread
from typing import Any

import alembic.command  # noqa: F401  (once, before the forks)
import orjson
from sqlalchemy import event

from lianxing.engine.bank import ending
from lianxing.engine.bank.deciding import decide
from lianxing.engine.bank.requests import command_from, request_data
from lianxing.engine.bank.tellers import Answer, Teller, Window
from lianxing.engine.ledger.errors import BusyError, LedgerError, RefusedError
from lianxing.engine.ledger.opening import Ledger, open_ledger
from lianxing.engine.ledger.postgres import DURABLE
from lianxing.engine.ledger.verifying import verify
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins import intake
from lianxing.rules.accounts import Recipient
from lianxing.rules.commands import Command, Give, Redeem, Refund, Release, Settle
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import ServiceRecord
from tests.engine.bank.counting_house import ANN, BEN, DAY, HERE, OFFERS, rules, take_in, write_county
from tests.engine.ledger.dying import die_at, die_everywhere, say
from tests.plugins.smallville import COUNTY, served

LONG = bool(os.environ.get("LIANXING_LONG"))
SCOPE = "counter"
NOW = 1_717_200_000
LATER = DAY + timedelta(days=10)  # every reservation is over by then
YEAR_LATER = date(2025, 7, 1)  # every point is over by then
PEOPLE, AT_ONCE = 24, 4
POINTS = 40_000  # hundredths that Ann and Ben have between them at first

Ask = Callable[[Command], Answer]


def county_in(folder: Path) -> Path:
    """Write a county whose people have enough for a long day, and whose shop has too."""
    earning = COUNTY["earning.yaml"].replace("default: 1,", "default: 10,")
    return write_county(folder, earning=earning, redemption=OFFERS.replace("stock: 3", "stock: unlimited"))


def opened(address: str) -> Ledger:
    return open_ledger(address, clock=lambda: NOW)


def found_bank(address: str, county: Path) -> None:
    """Ann and Ben have 200 points each."""
    with rules(county) as rulebook, opened(address) as ledger:
        records = [
            served(f"{person}-{day}", f"2024-05-{day:02} 09:00", 2, person)
            for person in (ANN, BEN)
            for day in range(1, 11)
        ]
        take_in(rulebook, ledger, *records)


def found_crowd(address: str, county: Path) -> None:
    """Many people have points, and every third has reserved something."""
    with rules(county) as rulebook, opened(address) as ledger:
        people = [VolunteerId(f"P{number:02}") for number in range(PEOPLE)]
        take_in(rulebook, ledger, *(served(f"{person}-1", "2024-05-01 09:00", 1, person) for person in people))
        Teller(ledger, rulebook).serve_all(
            [Redeem(volunteer=one, county=HERE, on=DAY, scope=SCOPE, key=one, offer="soap") for one in people[::3]]
        )


def deliveries() -> list[ServiceRecord]:
    """What two importers find in the same place."""
    return [
        served(f"r{person}-{day}", f"2024-05-{day:02} 09:00", 1, f"V{person}")
        for person in range(12)
        for day in range(1, 9)
    ]


def said_command(line: str) -> Command:
    """Return the command that a child has said it will ask."""
    data: dict[str, Any] = orjson.loads(line)
    return command_from(data["asked"], VolunteerId(data["volunteer"]), HERE, SCOPE, data["key"])


def business(clerk: str, person: VolunteerId, other: VolunteerId, first: int, ask: Ask) -> Iterator[None]:
    """Go on with a clerk's day: reserve, settle, take back or let go, give; each step yields."""
    for number in count(first):
        do = partial(_do, ask, person, f"{clerk}{number}")
        held = do(Redeem, "held", offer="soap")
        yield
        if number % 3 == 0:
            do(Release, "released", entry=held.entry)
        else:
            do(Settle, "settled", entry=held.entry)
            yield
            if number % 3 == 1:
                do(Refund, "refunded", entry=held.entry)
        yield
        do(Give, "given", account="points", amount=100, to_whom=Recipient.FRIEND, recipient=other)
        yield
        person, other = other, person


def _do(ask: Ask, person: VolunteerId, keys: str, kind: type[Command], step: str, **how: Any) -> Answer:
    return ask(kind(volunteer=person, county=HERE, on=DAY, scope=SCOPE, key=f"{keys}-{step}", **how))


def aloud(serve: Ask) -> Ask:
    """Say what is asked, and what is answered; ask again for as long as others are in the way."""

    def ask(command: Command) -> Answer:
        said = {"key": command.key, "volunteer": command.volunteer, "asked": request_data(command)}
        say(f"S {orjson.dumps(said).decode()}")
        while True:
            try:
                answer = serve(command)
            except (BusyError, RefusedError):
                continue
            say(f"A {command.key} {answer.entry}")
            return answer

    return ask


def serve(ledger: Ledger, rulebook: Rulebook, first: int) -> None:
    teller = Teller(ledger, rulebook)
    window = Window(teller)

    def work(clerk: str, person: VolunteerId, other: VolunteerId, ask: Ask) -> None:
        try:
            for _ in business(clerk, person, other, first, aloud(ask)):
                pass
        except LedgerError:  # the server is gone
            pass

    clerks = [
        Thread(target=work, args=one, daemon=True)
        for one in (("a", ANN, BEN, window.serve), ("b", BEN, ANN, window.serve), ("c", ANN, BEN, teller.serve))
    ]
    for each in clerks:
        each.start()
    for each in clerks:
        each.join()


def once(ledger: Ledger, rulebook: Rulebook, level: str, rounds: int) -> None:
    ask = aloud(Teller(ledger, rulebook).serve)
    set_level(ledger, level)
    for _ in islice(business("a", ANN, BEN, 0, ask), rounds):
        pass
    end_in_small_steps(ledger, rulebook)
    say("E")
    os._exit(0)  # without closing: a file that is closed has nothing to lose


def set_level(ledger: Ledger, level: str) -> None:
    """Set how SQLite waits for the disk, and let it move its log into the file often."""

    @event.listens_for(ledger.database.engine, "checkout")
    def prepare(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA synchronous = {level}")
        connection.execute("PRAGMA wal_autocheckpoint = 60")


def lie(ledger: Ledger, rulebook: Rulebook) -> None:
    """Do as a teller that answers before the commit."""
    command = Redeem(volunteer=ANN, county=HERE, on=DAY, scope=SCOPE, key="a0-held", offer="soap")
    teller = Teller(ledger, rulebook)
    with ledger.writing() as writing:
        counter = teller._counter(writing, [command])
        counter.people[ANN].number = writing.number((ANN, HERE))

        def answer(command: Command) -> Answer:
            decision = decide(counter, command)
            writing.enter(decision.drafts)
            return Answer(counter.people[ANN].number, decision.accepted, decision.drafts[0].body)

        aloud(answer)(command)
        os.kill(os.getpid(), signal.SIGKILL)


def redeem_once(rulebook: Rulebook, address: str) -> None:
    with opened(address) as ledger:
        for _ in islice(business("a", ANN, BEN, 1, Teller(ledger, rulebook).serve), 4):
            pass


def say_what_is_left(address: str, survived: bool) -> None:
    """Say how many of the four commands are there, and what Ann and Ben have between them."""
    steps = ("held", "settled", "refunded", "given")
    with opened(address) as ledger:
        with ledger.reading() as reading:
            there = reading.commands([(SCOPE, f"a1-{step}") for step in steps])
            done = [step for step in steps if (SCOPE, f"a1-{step}") in there]
            has = sum(
                amount
                for person in (ANN, BEN)
                for (account, unit), amount in reading.accounts(person, HERE).items()
                if unit == "points" and account in ("points", "points/held")
            )
        said = f"{','.join(done) or 'nothing'} {has} points, {len(verify(ledger))} violations"
        say(f"{'left' if survived else 'died'} {said}")


def end_in_small_steps(ledger: Ledger, rulebook: Rulebook) -> None:
    ending.PEOPLE_AT_ONCE = AT_ONCE
    ending.end_all(ledger, rulebook, YEAR_LATER, lambda people: say(f"A {people}"))


def take(ledger: Ledger, rulebook: Rulebook) -> None:
    """Take everything in, from the beginning again for as long as another importer is in the way."""
    while True:
        try:
            take_in(rulebook, ledger, *deliveries())
        except (BusyError, RefusedError) as error:
            say(f"again {error}")
            continue
        say("done")
        return


def main(work: str, address: str, county: str, *rest: str) -> None:
    with rules(Path(county)) as rulebook:
        if work == "everywhere":
            die_everywhere(address, partial(redeem_once, rulebook), say_what_is_left, 1 if LONG else 3)
            return
        with opened(address) as ledger:
            match work, rest:
                case "serve", [first]:
                    serve(ledger, rulebook, int(first))
                case "once", [level, rounds]:
                    once(ledger, rulebook, level, int(rounds))
                case "lie", []:
                    lie(ledger, rulebook)
                case "end", [statement]:
                    if statement != "0":
                        die_at(int(statement))
                    end_in_small_steps(ledger, rulebook)
                case "take", [*chunk]:
                    intake.CHUNK_RECORDS = int(chunk[0]) if chunk else intake.CHUNK_RECORDS
                    take(ledger, rulebook)
                case _:
                    sys.exit(__doc__)


def do_aloud(*arguments: str) -> None:
    try:
        main(*arguments)
    except LedgerError as error:  # the server is gone, or others are in the way
        sys.exit(f"{type(error).__name__} {error}")


def bring_up() -> None:
    for line in sys.stdin:
        durable, *arguments = orjson.loads(line)
        os.environ[DURABLE] = "on" if durable else "off"
        child = os.fork()
        if child == 0:
            say(f"P {os.getpid()}")
            try:
                do_aloud(*arguments)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        say("E")


if __name__ == "__main__":
    do_aloud(*sys.argv[1:]) if sys.argv[1:] else bring_up()
