"""Whatever one caller of a window does, the others are answered."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from lianxing.engine.bank.tellers import Outcome, Teller, Window
from lianxing.rules.commands import Command, UsePerk
from tests.engine.bank.counter import Counter, bank
from tests.engine.bank.counting_house import PERKS

PATIENCE_SECONDS = 20


class Slow(Teller):
    """A teller who serves the first group only when told to, and who stumbles over some commands."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(counter.ledger, counter.rulebook)
        self.began, self.may_go_on = Event(), Event()

    def serve_all(self, commands: Sequence[Command]) -> list[Outcome]:
        self.began.set()
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        if any(command.actor == "stumble" for command in commands):
            raise OverflowError
        return super().serve_all(commands)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with bank(tmp_path, perks=PERKS) as made:
        yield made


def asked(counter: Counter, **how: Any) -> Command:
    return counter.command(UsePerk, perk="bath", **how)


def test_a_cancelled_command_is_not_done_and_everybody_else_is_answered(counter: Counter) -> None:
    teller = Slow(counter)
    commands = [asked(counter) for _time in range(4)]
    with Window(teller) as window:
        first = window.ask(commands[0])
        assert teller.began.wait(PATIENCE_SECONDS)
        others = [window.ask(command) for command in commands[1:]]
        assert (first.cancel(), others[1].cancel()) == (False, True)  # the first is being served
        teller.may_go_on.set()
        answers = [one.result(PATIENCE_SECONDS) for one in (first, others[0], others[2])]
        assert window.serve(asked(counter)).entry > max(one.entry for one in answers)
    with counter.ledger.reading() as reading:
        done = reading.commands([(one.scope, one.key) for one in commands])
    assert [(one.scope, one.key) in done for one in commands] == [True, True, False, True]


def test_a_command_over_which_the_program_stumbles_stops_no_other(counter: Counter) -> None:
    teller = Slow(counter)
    with Window(teller) as window:
        first = window.ask(asked(counter))
        assert teller.began.wait(PATIENCE_SECONDS)
        group = [window.ask(asked(counter, actor=actor)) for actor in ("", "stumble", "")]
        teller.may_go_on.set()
        first.result(PATIENCE_SECONDS)
        assert [type(one.exception(PATIENCE_SECONDS)) for one in group] == [type(None), OverflowError, type(None)]


def test_an_answer_that_somebody_gives_themselves_keeps_nobody_else_waiting(counter: Counter) -> None:
    teller = Slow(counter)
    with Window(teller) as window:
        mine = window.ask(asked(counter))
        assert teller.began.wait(PATIENCE_SECONDS)
        mine.set_exception(TimeoutError())
        teller.may_go_on.set()
        assert window.serve(asked(counter)).entry


def test_an_answer_that_somebody_gives_themselves_before_it_is_their_turn_keeps_nobody_waiting(
    counter: Counter,
) -> None:
    teller = Slow(counter)
    commands = [asked(counter) for _time in range(3)]
    with Window(teller) as window:
        first = window.ask(commands[0])
        assert teller.began.wait(PATIENCE_SECONDS)
        mine, last = (window.ask(command) for command in commands[1:])
        mine.set_exception(TimeoutError())
        teller.may_go_on.set()
        assert first.result(PATIENCE_SECONDS).entry < last.result(PATIENCE_SECONDS).entry
    with counter.ledger.reading() as reading:
        done = reading.commands([(one.scope, one.key) for one in commands])
    assert [(one.scope, one.key) in done for one in commands] == [True, False, True]


def test_a_closed_window_says_so_at_once(counter: Counter) -> None:
    window = Window(counter.teller)
    window.close()
    window.close()
    with pytest.raises(RuntimeError, match="closed"):
        window.ask(asked(counter))


def test_of_two_windows_the_first_that_closes_leaves_the_other_what_was_set_up(counter: Counter) -> None:
    with Window(counter.teller) as one:
        with Window(counter.teller) as other:
            assert other.serve(asked(counter)).accepted
        assert gc.get_freeze_count() > 0
        one.close()
        one.close()
        assert gc.get_freeze_count() == 0
