"""A selection as plain data: the ranked list, the arithmetic of the quota, and everybody's reasons."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import number_text
from lianxing.engine.explaining import clause_data, gap_data
from lianxing.rules.facts import FactValue
from lianxing.rules.periods import Term
from lianxing.rules.scores import ScoreResult
from lianxing.rules.selections import Ineligible, Places, Ranked, Selection, Tie


def public_data(selection: Selection, at_most: int | None = None) -> dict[str, Any]:
    """Return what may be posted: places and ids, no value, no reason, nobody who was not selected."""
    shown = selection.selected[:at_most]
    return {
        **_head(selection),
        "selected": [{"id": one.id, "place": one.place, **_group(one.group)} for one in shown],
        "not_shown": len(selection.selected) - len(shown),
        "recommends_to": selection.recommends_to or None,
    }


def selection_data(selection: Selection) -> dict[str, Any]:
    """Return a selection as plain data, each part with its clause and place."""
    return {
        **_head(selection),
        "policy": selection.policy_digest,
        "candidates": selection.candidates,
        "places": [_places_data(places) for places in selection.places],
        "ties": [_tie_data(tie) for tie in selection.ties],
        "selected": [_ranked_data(one) for one in selection.selected],
        "undecided": [_ranked_data(one) for one in selection.undecided],
        "reserve": [_ranked_data(one) for one in selection.reserve],
        "ineligible": [_ineligible_data(one) for one in selection.ineligible],
        "stages": [{"stage": step.name, "by": step.by, "within": _term(step.within)} for step in selection.steps],
        "recommends_to": selection.recommends_to or None,
    }


def _head(selection: Selection) -> dict[str, Any]:
    return {
        "commendation": selection.clause.id,
        "from": selection.first.isoformat(),
        "until": selection.last.isoformat(),
        "on": selection.on.isoformat(),
        **clause_data(selection.clause),
    }


def _group(group: FactValue | None) -> dict[str, FactValue]:
    return {} if group is None else {"group": group}


def _places_data(places: Places) -> dict[str, Any]:
    data: dict[str, Any] = {"places": places.places, "at": str(places.location), **_group(places.group)}
    if places.share is None or places.of is None or places.exact is None or places.direction is None:
        return data
    return data | {
        "share": f"{number_text(places.share * 100)} %",
        "of": places.of.value,
        "base": places.base,
        "exact": number_text(places.exact),
        "direction": places.direction.value,
    }


def _tie_data(tie: Tie) -> dict[str, Any]:
    return {
        "place": tie.place,
        "ids": list(tie.ids),
        "places_left": tie.places_left,
        "decision": tie.decision.value,
        **_group(tie.group),
    }


def _ranked_data(one: Ranked) -> dict[str, Any]:
    return {
        "id": one.id,
        "place": one.place,
        **_group(one.group),
        "values": [
            {
                "fact": value.key.fact,
                "value": str(value.value) if isinstance(value.value, Fraction) else value.value,
                "first": "high" if value.key.high else "low",
                "at": str(value.key.location),
            }
            for value in one.values
        ],
        "preferred": one.preferred,
        "scores": [_score_data(sheet) for sheet in one.scores],
        "exception": None
        if one.exception_at is None
        else {"at": str(one.exception_at), "lacking": [gap_data(gap) for gap in one.by_exception]},
    }


def _score_data(sheet: ScoreResult) -> dict[str, Any]:
    return {
        "score": sheet.clause.id,
        "points_hundredths": sheet.points,
        "at_most_hundredths": sheet.at_most,
        "lines": [
            {
                "asked": dict(line.asked),
                "points_hundredths": line.points,
                "counts": line.counts,
                **clause_data(line.clause),
            }
            for line in sheet.lines
        ],
    }


def _ineligible_data(one: Ineligible) -> dict[str, Any]:
    return {
        "id": one.id,
        "reasons": [
            {
                "reason": reason.bar.value,
                "clause": reason.clause.id,
                "at": str(reason.location),
                "lacking": [gap_data(gap) for gap in reason.gaps],
                "honour": reason.honour or None,
                "honoured_on": None if reason.honoured_on is None else reason.honoured_on.isoformat(),
            }
            for reason in one.reasons
        ],
    }


def _term(term: Term | None) -> dict[str, int] | None:
    if term is None:
        return None
    said = {"days": term.days, "working_days": term.working_days, "months": term.months}
    return {name: value for name, value in said.items() if value}
