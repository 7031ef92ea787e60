"""Whether a fold may go on from its state, or has to begin again with the whole history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from lianxing.engine.counting import REVOKES, Supplied
from lianxing.engine.freezing import StateError, header_of, refuse_other
from lianxing.engine.life import REPAIR
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.tallies import DAYS_BACK
from lianxing.rules.hours import Revoke
from lianxing.rules.records import ServiceRecord, Volunteer


def needs_whole_history(
    rulebook: Rulebook,
    volunteer: Volunteer,
    state: bytes,
    new: Iterable[tuple[ServiceRecord, Supplied]],
    on: date | None = None,
) -> bool:
    """Tell whether new records of a person, with what plugins supplied, call for a fold of the whole history.

    They do where the state is none of this policy, this person and these facts; where one of them comes before the last
    record of the state, or a day or more before its day; where one takes out another record, or repairs one. So does a
    question about a day `on` that lies before a record which the state has seen.

    Only the header of the state is read: a state that is damaged further down is refused when it is thawed. A thawed
    life or fold may still raise HistoryNeededError, where a sanction begins that cancels what was earned before.
    """
    try:
        header = header_of(state)
        refuse_other(header, header.kind, rulebook.policy.digest, volunteer)
    except StateError:
        return True
    if on is not None and header.day is not None and on < header.day:
        return True
    revokes = any(isinstance(step, Revoke) for step in rulebook.policy.hours)
    repairs = any(sanction.repair is not None for sanction in rulebook.policy.sanctions)
    for record, supplied in new:
        if header.last is not None and record.order < header.last:
            return True
        if header.day is not None and record.day <= header.day - DAYS_BACK:
            return True
        facts = {**supplied, **record.facts}
        if (revokes and REVOKES in facts) or (repairs and facts.get("kind") == REPAIR):
            return True
    return False
