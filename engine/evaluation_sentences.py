"""How an evaluation came to its score and grade, in a Chinese or an English sentence, from the data of its step."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lianxing.engine.amounts import number_text
from lianxing.engine.review import AXIS, GRADE_FACT
from lianxing.rules.facts import NUMBER_SCALE
from lianxing.rules.places import Language

_COMBINED = {
    "mean": ("取平均", "their mean"),
    "lowest": ("取最低", "the lowest"),
    "highest": ("取最高", "the highest"),
    "sum": ("合计", "their sum"),
}
_WHY = {
    "absent": ("没有评价", "there is no evaluation"),
    "evaluator": ("评价人不在可评价之列", "it is by somebody who does not evaluate"),
    "late": ("评价逾期", "it is late"),
}


def evaluation_sentence(step: Mapping[str, Any], words: Mapping[str, Any], language: Language) -> str:
    """Return score and grade with the axes that gave them: `4.5, fair (punctuality 4, attitude 5: their mean)`."""
    zh = language == "zh"
    axes = [(name.removeprefix(AXIS), value) for name, value in step.items() if name.startswith(AXIS)]
    why = [_WHY[step["why"]][0 if zh else 1]] if step["why"] else []
    if not axes:
        return (
            f"没有评价分（{why[0] if why else '评价不全'}）" if zh else f"no score ({why[0] if why else 'incomplete'})"
        )
    if why:
        why.append("按默认" if zh else "so the default counts")
    named = [f"{words[axis][language]} {_number(value)}" for axis, value in axes]
    combined = _COMBINED[step["combine"]][0 if zh else 1]
    score = _number(step["after"])
    grade = step["grade"]
    if grade:
        label = words[GRADE_FACT]["values"].get(grade, {}).get(language) or grade
        score = f"{score}，{label}" if zh else f"{score}, {label}"
    if zh:
        return f"{score}（{'；'.join([*why, '、'.join(named) + '，' + combined])}）"
    return f"{score} ({'; '.join([*why, ', '.join(named) + ': ' + combined])})"


def _number(value: int) -> str:
    return number_text(Fraction(value, NUMBER_SCALE))
