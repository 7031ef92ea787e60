"""A selection in sentences: the ranked list, the arithmetic of the quota, and everybody's reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from lianxing.engine.amounts import number_text, points_text, value_text
from lianxing.engine.explaining import clause_data
from lianxing.engine.reading.perks import STARS_FACT
from lianxing.engine.wording import clause_text, gap_sentence
from lianxing.rules.commendation import ShareOf, Ties
from lianxing.rules.facts import Fact, FactValue
from lianxing.rules.hours import Direction
from lianxing.rules.periods import Term
from lianxing.rules.places import Clause, Language, Location
from lianxing.rules.ranking import RankValue
from lianxing.rules.scores import ScoreLine, ScoreResult
from lianxing.rules.selections import Bar, Ineligible, Places, Ranked, Reason, Selection, Tie

_OF = {
    ShareOf.ELIGIBLE: ("符合条件者", "eligible"),
    ShareOf.MEMBERS: ("会员", "members"),
    ShareOf.REGISTERED: ("已注册者", "registered"),
}
_DIRECTIONS = {
    Direction.DOWN: ("舍去", "down"),
    Direction.UP: ("进位", "up"),
    Direction.HALF_UP: ("四舍五入", "half up"),
    Direction.HALF_EVEN: ("五成双", "half to even"),
}
_DECIDED = {
    Ties.ALL_IN: ("全部入选，超出名额", "all of them are selected, beyond the quota"),
    Ties.NONE_IN: ("均不入选，名额空缺", "none of them is selected, places stay free"),
    Ties.UNDECIDED: ("待评选人决定", "it is for the jury to decide"),
}


@dataclass(frozen=True)
class AwardList:
    """A selection in sentences of one language; `facts` are the policy's words."""

    selection: Selection
    facts: Mapping[str, Fact]
    language: Language

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", {**self.facts, STARS_FACT.name: STARS_FACT})

    def public(self, at_most: int | None = None) -> list[str]:
        """Return what may be posted: places and ids only, the first `at_most` of them."""
        chosen = self.selection.selected
        shown = chosen[:at_most]
        said = [self._title(), *(f"{one.place}. {one.id}{self._in_group(one.group)}" for one in shown)]
        return said + self._unlisted(len(chosen) - len(shown))

    def full(self, *, everybody: bool, at_most: int | None = None) -> list[str]:
        """Return the list with its reasons, the first `at_most` of each part.

        Of those who may not be put forward only how many, by reason, unless `everybody` is asked.
        """
        selection = self.selection
        eligible = selection.candidates - len(selection.ineligible)
        said = [
            self._title(),
            self._say(
                f"候选 {selection.candidates} 名，可参评 {eligible} 名。",
                f"{selection.candidates} candidates, {eligible} may be put forward.",
            ),
            *map(self._places, selection.places),
            *self._order(),
            *map(self._tie, selection.ties),
        ]
        for ranked, heading in (
            (selection.selected, self._say("入选：", "Selected:")),
            (selection.undecided, self._say("待议：", "To be decided:")),
            (selection.reserve, self._say("备选：", "In reserve:")),
        ):
            said += [heading, *(line for one in ranked[:at_most] for line in self._ranked(one))] if ranked else []
            said += self._unlisted(len(ranked) - len(ranked[:at_most]))
        said += list(self._ineligible(everybody, at_most))
        return [*said, *self._afterwards()]

    def _unlisted(self, rest: int) -> list[str]:
        return [self._say(f"另有 {rest} 名未列出。", f"... and {rest} more.")] if rest > 0 else []

    def _say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def _title(self) -> str:
        one = self.selection
        clause = clause_text(one.clause.id, clause_data(one.clause), self.language)
        return self._say(
            f"{clause}：{one.first} 至 {one.last}，指标截至 {one.on}",
            f"{clause}: {one.first} to {one.last}, measures as of {one.on}",
        )

    def _in_group(self, group: FactValue | None) -> str:
        if group is None:
            return ""
        return self._say(f"（{self._group_text(group)}）", f" ({self._group_text(group)})")

    def _group_text(self, group: FactValue) -> str:
        labels = (v.label.text(self.language) for fact in self.facts.values() for v in fact.values if v.id == group)
        return next(labels, "") or str(group)

    def _places(self, places: Places) -> str:
        where = self._where(places.location)
        group = self._in_group(places.group)
        if places.share is None or places.of is None or places.exact is None or places.direction is None:
            return self._say(f"名额{group}：{places.places}{where}", f"Places{group}: {places.places}{where}")
        zh_of, en_of = _OF[places.of]
        zh_down, en_down = _DIRECTIONS[places.direction]
        product = f"{places.base} × {number_text(places.share * 100)} % = {number_text(places.exact)}"
        return self._say(
            f"名额{group}：{zh_of} {product}，{zh_down}为 {places.places}{where}",
            f"Places{group}: {en_of} {product}, {en_down} -> {places.places}{where}",
        )

    def _tie(self, tie: Tie) -> str:
        ids = "、".join(tie.ids) if self.language == "zh" else ", ".join(tie.ids)
        zh, en = _DECIDED[tie.decision]
        group = self._in_group(tie.group)
        return self._say(
            f"并列{group}：第 {tie.place} 名 {ids}，余 {tie.places_left} 个名额，{zh}",
            f"Tie{group}: {ids} share place {tie.place}, with {tie.places_left} left; {en}",
        )

    def _ranked(self, one: Ranked) -> Iterator[str]:
        values = self._say("，", ", ").join(map(self._value, one.values))
        preferred = self._say("，同等条件优先", ", preferred among equals") if one.preferred else ""
        colon = self._say("：", ": ")
        yield f"{one.place}. {one.id}{self._in_group(one.group)}{colon}{values}{preferred}"
        for sheet in one.scores:
            yield from self._sheet(sheet)
        if one.exception_at is not None:
            where = self._where(one.exception_at)
            yield self._say(f"  依例外参评{where}，不足之处：", f"  put forward by exception{where}, though:")
            yield from (f"  {gap_sentence(gap, self.facts, self.language)}" for gap in one.by_exception)

    def _value(self, value: RankValue) -> str:
        fact = self.facts[value.key.fact]
        return f"{self._name(fact)} {value_text(fact, value.value, self.language)}"

    def _order(self) -> Iterator[str]:
        """Yield what was ranked by; without anybody who was ranked there is nothing to say."""
        one = next(chain(self.selection.selected, self.selection.undecided, self.selection.reserve), None)
        keys = [] if one is None else [value.key for value in one.values]
        said = (
            self._name(self.facts[key.fact])
            + (self._say("高者先", ", highest first") if key.high else self._say("低者先", ", lowest first"))
            + self._where(key.location)
            for key in keys
        )
        if keys:
            yield self._say("排序：", "Order: ") + self._say("；", "; ").join(said)

    def _name(self, fact: Fact) -> str:
        if fact.scope.value == "measure":
            return fact.meaning.text(self.language)
        return fact.zh if self.language == "zh" else fact.name

    def _sheet(self, sheet: ScoreResult) -> Iterator[str]:
        clause = clause_text(sheet.clause.id, clause_data(sheet.clause), self.language)
        total = points_text(sheet.points, self.language)
        at_most = ""
        if sheet.at_most is not None:
            most = points_text(sheet.at_most, self.language)
            at_most = self._say(f"（至多 {most}）", f" (at most {most})")
        yield f"  {clause}{self._say('：', ': ')}{total}{at_most}"
        for line in sheet.lines:
            counts = "" if line.counts else self._say("，另有更高者，不计", ", outdone by a higher one")
            points = points_text(line.points, self.language)
            where = self._where(line.clause.location)
            yield f"    {self._asked(line)}{self._say('：', ': ')}{points}{counts}{where}"

    def _asked(self, line: ScoreLine) -> str:
        said = []
        for name, value in line.asked:
            fact = self.facts[name]
            quotient = isinstance(value, str) and not fact.type.is_text
            said.append(f"{self._name(fact)} {value if quotient else value_text(fact, value, self.language)}")
        return self._say("，", ", ").join(said)

    def _ineligible(self, everybody: bool, at_most: int | None) -> Iterator[str]:
        out = self.selection.ineligible
        if not out:
            return
        yield self._say(f"不得参评 {len(out)} 名：", f"{len(out)} may not be put forward:")
        if everybody:
            for one in out[:at_most]:
                yield f"{one.id}{self._say('：', ':')}"
                for reason in one.reasons:
                    yield from (f"  {line}" for line in self._reason(reason))
            yield from self._unlisted(len(out) - len(out[:at_most]))
            return
        for reason_text, count in Counter(text for one in out for text in self._short(one)).most_common():
            yield f"  {count} × {reason_text}"

    def _short(self, one: Ineligible) -> Iterable[str]:
        """Return the reasons of somebody without their own values, so that they can be counted."""
        said = set()
        for reason in one.reasons:
            lines = {gap.location: self._name(self.facts[gap.fact]) for gap in reason.gaps}
            if reason.bar is Bar.NOT_ELIGIBLE and lines:
                said |= {f"{name}{self._where(place)}" for place, name in lines.items()}
            else:
                said.add(f"{self._bar(reason)}{self._where(reason.location)}")
        return sorted(said)

    def _bar(self, reason: Reason) -> str:
        match reason.bar:
            case Bar.NOT_ELIGIBLE:
                return self._say("不符合参评条件", "not eligible")
            case Bar.WON_BEFORE:
                return self._say("近期已获荣誉", "won before")
            case Bar.SANCTIONED:
                return self._say("受处理期间不得参评", "excluded by a sanction")

    def _reason(self, reason: Reason) -> Iterator[str]:
        if reason.bar is Bar.NOT_ELIGIBLE and reason.gaps:
            yield from (gap_sentence(gap, self.facts, self.language) for gap in reason.gaps)
            return
        won = f"{self._say('：', ': ')}{reason.honour}，{reason.honoured_on}" if reason.honour else ""
        yield f"  {self._bar(reason)}{won}{self._clause_where(reason.clause, reason.location)}"

    def _clause_where(self, clause: Clause, location: Location) -> str:
        cites = clause.source.clause
        at = f"{location.path}:{location.line}"
        return self._say(f"〔{at}{'，' + cites if cites else ''}〕", f" [{at}{', ' + cites if cites else ''}]")

    def _where(self, location: Location) -> str:
        at = f"{location.path}:{location.line}"
        return self._say(f"〔{at}〕", f" [{at}]")

    def _afterwards(self) -> Iterator[str]:
        if self.selection.steps:
            arrow = " → "
            steps = (
                f"{step.name}{self._say('（', ' (')}{step.by}{self._in_time(step.within)}{self._say('）', ')')}"
                for step in self.selection.steps
            )
            yield self._say("程序：", "Procedure: ") + arrow.join(steps)
        if self.selection.recommends_to:
            yield self._say("入选者推荐至：", "Those selected are recommended to: ") + self.selection.recommends_to

    def _in_time(self, term: Term | None) -> str:
        if term is None:
            return ""
        if term.working_days:
            return self._say(f"，{term.working_days} 个工作日内", f", within {term.working_days} working days")
        if term.months:
            return self._say(f"，{term.months} 个月内", f", within {term.months} months")
        return self._say(f"，{term.days} 天内", f", within {term.days} days")
