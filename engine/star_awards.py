"""What an award of a star rests on: the standing on the day that counts, to be frozen with the decision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from lianxing.engine.basis import Lowering
from lianxing.engine.life import Life
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.standings import standing
from lianxing.rules.facts import CountyId, FactValue
from lianxing.rules.records import Volunteer
from lianxing.rules.reviewing import Awarded, Basis
from lianxing.rules.standings import Counted

NUMBER_DIGITS = 6


def basis(
    rulebook: Rulebook,
    volunteer: Volunteer,
    history: Iterable[Counted],
    star: int,
    on: date,
    *,
    awards: Sequence[Awarded] = (),
    lowerings: Sequence[Lowering] = (),
    nominated: bool = False,
    shown: Mapping[str, FactValue] | None = None,
) -> Basis:
    """Return what a star rests on, on the day that counts (`engine.reviewing.counted_on`).

    `history` is in order, `awards` what was awarded before, `lowerings` as in `engine.standings.standing`; `shown` is
    what the application says, for a star that may be granted directly.
    """
    seen = [past for past in history if past.record.day <= on]
    found = standing(rulebook, volunteer, seen, on, awards, lowerings)
    life = Life(rulebook, volunteer, awards=awards, lowerings=lowerings)
    for past in seen:
        life.add(past)
    return Basis(
        on=on,
        star=star,
        held=found.star_held,
        reached=found.star_reached,
        refused=life.star_refusal(on, star, nominated=nominated, shown=shown),
        measures=tuple((line.clause.id, line.sum, line.count) for line in found.measures),
        policy_digest=rulebook.policy.digest,
    )


def certificate_number(county: CountyId, on: date, nth: int) -> str:
    """Return the number of the `nth` certificate of a county in a year.

    >>> from datetime import date
    >>> certificate_number(CountyId("town"), date(2026, 3, 1), 17)
    'town-2026-000017'
    """
    return f"{county}-{on.year}-{nth:0{NUMBER_DIGITS}d}"


def counted_here(county: CountyId, number: str) -> bool:
    """Tell whether a number is one that a county counts by itself, so that nobody gives it by hand.

    >>> [counted_here(CountyId("town"), number) for number in ("town-2026-000017", "town 17")]
    [True, False]
    """
    return re.fullmatch(rf"{re.escape(county)}-\d+-\d{{{NUMBER_DIGITS},}}", number.strip()) is not None
