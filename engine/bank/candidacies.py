"""Who might have served a request, and whose turn it was: each line of a match is judged again from its own passbook.

The step of the match says of everybody what decided, or why they are left out; the ranking follows from that. So it is
enough that each line is what the rules say of one person by then, and that nobody is missing. Of many only the first
are listed: whoever is not must come after them, or be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from lianxing.engine.bank.claims import Claim, State
from lianxing.engine.bank.comparing import Found
from lianxing.engine.bank.deciding_again import CLOCKS_APART, Witnesses
from lianxing.engine.bank.request_data import queue_data, queue_from, request_from
from lianxing.engine.bank.requests import command_from
from lianxing.engine.bank.sharing import is_person
from lianxing.engine.ledger.witnesses import UNREADABLE, Told
from lianxing.engine.menu import LISTED_MAX, Need, Queue, Server, Turn, candidates_for, closed_passbook, ranked_again
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.facts import VolunteerId
from lianxing.rules.menu import Request
from lianxing.rules.records import Volunteer
from lianxing.rules.requests import ServiceRequest
from lianxing.rules.service_commands import TakeStep

NOT_LISTED = "not listed"


@dataclass
class Match:
    """A step in which somebody was matched, or was to be: what it says of each candidate and of each who is left out.

    `known` is since when the ledger knows of everybody. `last` is the last of the first candidates, where there are
    more of them; `more_left_out`: not everybody who is left out is listed.
    """

    told: Told
    rulebook: Rulebook
    request: Request
    made: ServiceRequest
    command: TakeStep
    family: tuple[VolunteerId, ...]
    lines: Mapping[str, bytes]
    number: int
    last: Turn | None
    more_left_out: bool
    witnesses: Witnesses
    known: Mapping[str, int]
    _needs: list[Need] = field(default_factory=list)

    def miscounted(self) -> Found | None:
        """Return that there were more or fewer people than it says, where not all of them are listed."""
        if self.whole:
            return None
        instant, number = self.told.instant, self.number
        since = [since for id, since in self.known.items() if is_person(id)]
        least = sum(one < instant - CLOCKS_APART for one in since)
        most = sum(one <= instant + CLOCKS_APART for one in since)
        if least <= number <= most:
            return None
        return Found(self.told.entry, "candidates", str(number), f"{least} .. {most}")

    @property
    def whole(self) -> bool:
        """Whether everybody is listed."""
        return self.last is None and not self.more_left_out

    def claims(self, owner: VolunteerId) -> Iterator[Claim]:
        """Yield what the match says of a person."""
        line, since = self.lines.get(owner), self.known.get(owner)
        if line is None and (since is None or since >= self.told.instant - CLOCKS_APART or not is_person(owner)):
            return
        said = line.decode() if line is not None else None if self.whole else NOT_LISTED
        by = self.told.volunteer, self.told.entry
        yield Claim(owner, self.told.instant, lambda state: self._judged(state, said), said, by, f"candidate {owner}")

    def _judged(self, state: State, said: str | None) -> str | None:
        """Return what the rules say of a person in a state; where clocks leave several open, as it is `said`."""
        owner = state.replica.volunteer
        if self.known.get(owner, self.told.instant + CLOCKS_APART + 1) > self.told.instant + CLOCKS_APART:
            return None
        people = self.witnesses.as_registered(owner, self.told.instant)
        found = [self._found(state, need, person) for need in self.needs for person in people]
        if said == NOT_LISTED and any(map(self._may_be_unlisted, found)):
            return NOT_LISTED
        lines = [_lines(queue_data(one))[owner].decode() for one in found]
        return said if said in lines else lines[0]

    def _may_be_unlisted(self, found: Queue) -> bool:
        """Tell whether somebody comes after all who are listed, or is left out as others are."""
        if found.left_out:
            return self.more_left_out
        if self.last is None:
            return False
        (turn,) = found.turns
        return ranked_again(self.request, Queue((self.last, turn), ())).turns[0].id == self.last.id

    def _found(self, state: State, need: Need, person: Volunteer) -> Queue:
        rulebook, on = self.rulebook, self.told.on
        one = state.customer(rulebook, person)
        if (shut := one.closings.shut(on)) is not None:
            return Queue((), (closed_passbook(rulebook, person.id, shut),))
        server = Server(person.id, one.facts(on), one.measures(on), one.standing(on).star_held)
        return candidates_for(rulebook, self.request, on, need, [server])

    @property
    def needs(self) -> list[Need]:
        """For whom somebody was looked for; several where clocks leave open what was known of the recipient."""
        if not self._needs:
            made = self.made
            self._needs = [
                Need(
                    asker=made.asker,
                    recipient=made.recipient,
                    facts=recipient.facts,
                    paired=self.command.paired,
                    on_roster=self.command.on_roster,
                    family=self.family,
                    withdrew=made.withdrew,
                )
                for recipient in self.witnesses.as_registered(VolunteerId(made.recipient), self.told.instant)
            ]
        return self._needs


def matches(
    entries: Iterable[tuple[Told, Rulebook]],
    declared: Mapping[VolunteerId, Sequence[tuple[int, tuple[VolunteerId, ...]]]],
    witnesses: Witnesses,
    known: Mapping[str, int],
) -> Iterator[Match]:
    """Yield the matches among entries; `declared` are the families that askers had declared, by entry."""
    for told, rulebook in entries:
        if b'"candidates":{' not in told.body:
            continue
        with suppress(*UNREADABLE):  # named where it is decided again
            body: dict[str, Any] = orjson.loads(told.body)
            said = body["candidates"]
            command = command_from(body["asked"], told.volunteer, witnesses.county, "-", "-")
            made = request_from(body["request"])
            request = next(one for one in rulebook.policy.menu if one.clause.id == made.request)
            if isinstance(command, TakeStep):
                last = queue_from(said).turns[:LISTED_MAX][-1:] if said["candidates"] > LISTED_MAX else ()
                family = [members for entry, members in declared.get(told.volunteer, ()) if entry < told.entry]
                yield Match(
                    told=told,
                    rulebook=rulebook,
                    request=request,
                    made=made,
                    command=command,
                    family=family[-1] if family else (),
                    lines=_lines(said),
                    number=said["candidates"] + said["number_left_out"],
                    last=last[0] if last else None,
                    more_left_out=said["number_left_out"] > LISTED_MAX,
                    witnesses=witnesses,
                    known=known,
                )


def _lines(said: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what is said of each, without whose it is and at which place."""
    found = {one["id"]: orjson.dumps({"values": one["values"]}, option=orjson.OPT_SORT_KEYS) for one in said["turns"]}
    for one in said["left_out"]:
        found[one["id"]] = orjson.dumps({"reasons": one["reasons"]}, option=orjson.OPT_SORT_KEYS)
    return found
