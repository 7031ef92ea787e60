"""A score sheet line by line, and what a change of rules did, in Chinese and English sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from lianxing.engine.amounts import amount_text, points_text, value_text
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.rules.facts import RATIO_SCALE, Fact, FactType, FactValue, Scope
from lianxing.rules.places import Clause, Language
from lianxing.rules.scores import STARS, ScoreLine, ScoreResult
from lianxing.rules.transition import TransitionLine


def score_sentences(score: ScoreResult, facts: Mapping[str, Fact], language: Language) -> Iterator[str]:
    """Yield a score sheet in words: a line for each rule that gave points, and what all may come to at the most."""
    zh = language == "zh"
    for line in score.lines:
        outdone = "" if line.counts else ("，另有更高的一项" if zh else ", outdone by a higher one")
        asked = ("，" if zh else ", ").join(_asked(name, value, facts, language) for name, value in line.asked)
        given = points_text(line.points, language)
        yield f"    {_name(line, language)}{given}{_in_brackets(asked, zh)}{outdone}{_where(line.clause, zh)}"
    total = sum(line.points for line in score.lines if line.counts)
    if score.at_most is not None and total > score.at_most:
        most = points_text(score.at_most, language)
        yield f"    合计不超过 {most}" if zh else f"    in all at most {most}"


def transition_sentence(line: TransitionLine, facts: Mapping[str, Fact], language: Language) -> str:
    """Return what a change of rules did to a measure, in words."""
    name = facts[line.measure].meaning.text(language)
    before, after = (amount_text(line.unit, amount, language) for amount in (line.before, line.after))
    where = _where(line.clause, language == "zh")
    if language == "zh":
        return f"  规则衔接：{name}由 {before} 变为 {after}{where}"
    return f"  change of rules: {name} from {before} to {after}{where}"


def _name(line: ScoreLine, language: Language) -> str:
    name = line.clause.label.text(language)
    return f"{name}{'：' if language == 'zh' else ': '}" if name else ""


def _asked(name: str, value: FactValue | None, facts: Mapping[str, Fact], language: Language) -> str:
    fact = STARS_FACT if name == STARS else facts[name]
    shown: FactValue | Fraction | None = value
    if fact.type is FactType.RATIO and isinstance(value, str):
        sum, _, count = value.partition("/")
        shown = Fraction(int(sum) * RATIO_SCALE, int(count)) if int(count) else None
    called = fact.meaning.text(language) if fact.scope is Scope.MEASURE else fact.zh if language == "zh" else fact.name
    return f"{called or fact.name} {value_text(fact, shown, language)}"


def _in_brackets(asked: str, zh: bool) -> str:
    if not asked:
        return ""
    return f"（{asked}）" if zh else f" ({asked})"


def _where(clause: Clause, zh: bool) -> str:
    cites = clause.source.clause
    where = f"{clause.location.path}:{clause.location.line}{('，' if zh else ', ') + cites if cites else ''}"
    return f"〔{where}〕" if zh else f" [{where}]"
