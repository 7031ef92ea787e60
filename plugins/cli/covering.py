"""What a county's cases leave unproven, said for a person and for a program."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import counted, number_text, value_text
from lianxing.engine.coverage import Coverage, Side
from lianxing.engine.reading.vocabulary import KEYS
from lianxing.plugins.cli.speaking import Speaker
from lianxing.rules.facts import Fact
from lianxing.rules.places import Language

FEW = 3  # sides that are named where nobody asked for all of them


def tell_coverage(coverage: Coverage, speaker: Speaker, *, every_side: bool) -> None:
    """Say which clauses no case touches and which sides of boundaries none reaches: all of these, or the first few."""
    say = speaker.say
    for clause in coverage.untouched:
        name = clause.label.text(say.language) or clause.id
        place = f"{clause.location.path}:{clause.location.line}"
        speaker.line(
            say(f"  没有案例触及：{name}（{clause.id}，{place}）", f"  no case touches: {name} ({clause.id}, {place})")
        )
    missing = coverage.missing
    for side in missing if every_side else missing[:FEW]:
        speaker.line("  " + side_sentence(side, say.language))
    left = 0 if every_side else max(0, len(missing) - FEW)
    if left:
        speaker.line(
            say(
                f"  还有 {left} 处边界缺一侧（加 --min-coverage 100 全部列出）",
                f"  and {counted(left, 'more side', 'more sides')} without a case (--min-coverage 100 lists them all)",
            )
        )


def side_sentence(side: Side, language: Language) -> str:
    """Return what no case shows, with its place."""
    at = f"{side.boundary.location.path}:{side.boundary.location.line}"
    boundary = boundary_text(side, language)
    if language == "zh":
        return f"没有案例在边界的这一侧：{boundary}，{'满足' if side.holds else '不满足'}（{at}）"
    return f"no case on this side: {boundary}, {'holds' if side.holds else 'does not hold'} ({at})"


def boundary_text(side: Side, language: Language) -> str:
    """Return the relation as a person reads it: `service_hours at least 100 h`."""
    boundary, zh = side.boundary, language == "zh"
    test = KEYS[boundary.operator.value] if zh else boundary.operator.value.replace("_", " ")
    operand = boundary.operand
    shown = _name(operand, zh) if isinstance(operand, Fact) else value_text(boundary.fact, operand, language)
    return f"{_name(boundary.fact, zh)} {test} {shown}"


def _name(fact: Fact, zh: bool) -> str:
    return (fact.zh or fact.name) if zh else fact.name


def coverage_data(coverage: Coverage, language: Language) -> dict[str, Any]:
    """Return the coverage as plain data; `percent` is cut to hundredths, never rounded up to what it is not."""
    percent = Fraction(100) if not coverage.parts else Fraction(coverage.proven * 100, coverage.parts)
    return {
        "percent": number_text(Fraction(int(percent * 100), 100)),
        "clauses": coverage.clauses,
        "untouched": [clause.id for clause in coverage.untouched],
        "sides": coverage.sides,
        "missing": [
            {
                "at": f"{side.boundary.location.path}:{side.boundary.location.line}",
                "boundary": boundary_text(side, language),
                "side": "holds" if side.holds else "does_not_hold",
            }
            for side in coverage.missing
        ],
    }
