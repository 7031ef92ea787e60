"""What a ledger knows of what was spent and has expired, where the county lets it lower what a star rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lianxing.engine.basis import Lowering, lowered_by, lowerings
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.rulebook import Rulebook
from lianxing.engine.touches import Touch, gone
from lianxing.rules.balances import By
from lianxing.rules.facts import CountyId, VolunteerId


def lowers(rulebook: Rulebook) -> bool:
    """Tell whether anything that happens to an account lowers what a star rests on."""
    return bool(rulebook.once(lowered_by))


def touches_in(
    reading: Reading, rulebook: Rulebook, owners: Iterable[tuple[VolunteerId, CountyId]]
) -> Mapping[tuple[VolunteerId, CountyId], list[Touch]]:
    """Return what happened to people's accounts, where it lowers anything; nothing is read where it does not."""
    if not lowers(rulebook):
        return {}
    return reading.touches(owners, lots=By.EXPIRY in rulebook.once(lowered_by))


def lowerings_by(rulebook: Rulebook, touches: Iterable[Touch]) -> tuple[Lowering, ...]:
    """Return by what the measures are lower."""
    return lowerings(rulebook.policy, gone(touches)) if lowers(rulebook) else ()
