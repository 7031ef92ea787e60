"""The chapter `review.yaml`: a mapping from a name to one thing that is done, by whom and within what time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lianxing.engine.reading.conditions import ConditionForm
from lianxing.engine.reading.forms import (
    Choice,
    DatedOf,
    Fields,
    Key,
    ListOf,
    OneOrMore,
    Percent,
    Record,
    Schema,
    Text,
    scalar_text,
    written,
)
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.notes import Reading
from lianxing.engine.reading.statements import NamedForm
from lianxing.engine.reading.terms import TermForm
from lianxing.engine.reading.values import ValueOf
from lianxing.engine.reading.vocabulary import SAID_FOR, WORDS
from lianxing.rules.conditions import Condition
from lianxing.rules.dates import Dated
from lianxing.rules.facts import Fact, FactType, Scope
from lianxing.rules.hours import Direction
from lianxing.rules.periods import Period, Term
from lianxing.rules.places import Clause, Language
from lianxing.rules.review import (
    Appeal,
    Combine,
    Correction,
    Evaluation,
    Grade,
    Late,
    Notice,
    Objection,
    Posted,
    Retention,
    ReviewStatement,
    SpotCheck,
    Stage,
)

CONDITION = ConditionForm(frozenset((Scope.RECORD, Scope.PERSON, Scope.CALENDAR)))
_KINDS = ("stage", "notice", "correction", "spot_check", "retention", "evaluation")
_ANYBODY = "anybody"
_UNLIMITED = "unlimited"
NO_DEFAULT = {"none": "无"}
_PERIODS = (Period.WEEK, Period.MONTH, Period.QUARTER, Period.HALF_YEAR, Period.CALENDAR_YEAR)

_Build = Callable[[Clause, Condition | None], ReviewStatement]


@dataclass(frozen=True)
class _Axis:
    """A fact of the record that is a number."""

    def read(self, node: Node, reading: Reading) -> str | None:
        known = reading.named_all(filter(_is_axis, reading.facts.values()))
        text = scalar_text(node, reading, "P314", ("known", ", ".join(known)))
        fact = None if text is None else reading.fact(text)
        if text is not None and (fact is None or not _is_axis(fact)):
            hint = reading.nearest(text, known)
            reading.problem("P314", node.location, ("found", text[:40]), ("known", ", ".join(known)), hint=hint)
            return None
        return None if fact is None else fact.name

    def schema(self, script: Language) -> Schema:
        return {"type": "string"}


def _is_axis(fact: Fact) -> bool:
    return fact.scope is Scope.RECORD and fact.type is FactType.NUMBER and fact.name != "evaluation_score"


@dataclass(frozen=True)
class _OrWord:
    """A form, or one word that stands for none of it; wrapped in a tuple, because None is a value here."""

    word: str
    form: Any
    words: Mapping[str, str]

    def read(self, node: Node, reading: Reading) -> tuple[Any] | None:
        if isinstance(node, Scalar) and node.text in (self.word, self.words[self.word]):
            return (None,)
        if isinstance(node, Scalar) and node.text.lower() in SAID_FOR.get(self.word, ()):
            word = self.words[self.word] if reading.own_script == "zh" else self.word
            known = ", ".join((word, *written((self.form,), reading)))
            reading.problem("P105", node.location, ("found", node.text), ("known", known), hint=word)
            return None
        value = self.form.read(node, reading)
        return None if value is None else (value,)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [self.word, self.words[self.word]]}, self.form.schema(script)]}


_SCORE = ValueOf("evaluation_score")
_DEADLINE: Key[Dated[Term]] = Key(DatedOf(TermForm()), required=True)

_STAGE: Record[_Build] = Record(
    {
        "from_state": Key(ValueOf("state"), required=True),
        "to_state": Key(ValueOf("state"), required=True),
        "by": Key(Text(), required=True),
        "deadline": Key(_OrWord(_UNLIMITED, DatedOf(TermForm()), WORDS), required=True),
    },
    lambda fields, reading: _stage(fields, reading),
)
_APPEAL: Record[Appeal] = Record(
    {"deadline": _DEADLINE, "by": Key(Text(), required=True)},
    lambda fields, _reading: Appeal(fields.get("deadline"), fields.get("by"), fields.location),
)
_NOTICE: Record[_Build] = Record(
    {
        "of": Key(Choice(tuple(Posted)), required=True),
        "from_state": Key(ValueOf("state")),
        "to_state": Key(ValueOf("state")),
        "by": Key(Text()),
        "deadline": _DEADLINE,
        "objection": Key(Choice(tuple(Objection)), required=True),
        "appeal": Key(_APPEAL),
    },
    lambda fields, reading: _notice(fields, reading),
)
_CORRECTION: Record[_Build] = Record(
    {"deadline": _DEADLINE, "verified_by": Key(Text(), required=True)},
    lambda fields, _reading: (
        lambda clause, _when: Correction(clause, fields.get("deadline"), fields.get("verified_by"))
    ),
)
_SPOT_CHECK: Record[_Build] = Record(
    {
        "share": Key(DatedOf(Percent()), required=True),
        "per": Key(Choice(_PERIODS), required=True),
        "by": Key(Text(), required=True),
    },
    lambda fields, _reading: (
        lambda clause, _when: SpotCheck(clause, fields.get("share"), fields.get("per"), fields.get("by"))
    ),
)
_RETENTION: Record[_Build] = Record(
    {"at_least": Key(DatedOf(TermForm((FactType.DAYS, FactType.MONTHS))), required=True)},
    lambda fields, _reading: lambda clause, _when: Retention(clause, fields.get("at_least")),
)
_ROUND: Record[tuple[int, Direction]] = Record(
    {"to": Key(_SCORE, required=True), "direction": Key(Choice(tuple(Direction)), required=True)},
    lambda fields, reading: _rounding(fields, reading),
)
_GRADE: Record[Grade] = Record(
    {"at_least": Key(_SCORE, required=True), "grade": Key(ValueOf("evaluation"), required=True)},
    lambda fields, _reading: Grade(fields.get("at_least"), fields.get("grade"), fields.location),
)
_EVALUATION: Record[_Build] = Record(
    {
        "axes": Key(ListOf(_Axis()), required=True),
        "combine": Key(Choice(tuple(Combine)), required=True),
        "round": Key(_ROUND, required=True),
        "default": Key(_OrWord("none", _SCORE, NO_DEFAULT), required=True),
        "evaluators": Key(_OrWord(_ANYBODY, OneOrMore(ValueOf("evaluator")), WORDS), required=True),
        "deadline": Key(_OrWord(_UNLIMITED, TermForm(), WORDS), required=True),
        "late": Key(Choice(tuple(Late))),
        "grades": Key(ListOf(_GRADE)),
    },
    lambda fields, reading: _evaluation(fields, reading),
)


def _stage(fields: Fields, reading: Reading) -> _Build | None:
    before, after = fields.get("from_state"), fields.get("to_state")
    if before == after:
        reading.problem("P604", fields.place("to_state"), ("state", after))
        return None
    (deadline,) = fields.get("deadline")
    return lambda clause, when: Stage(clause, when, before, after, fields.get("by"), deadline)


def _notice(fields: Fields, reading: Reading) -> _Build | None:
    before, after = fields.get("from_state", ""), fields.get("to_state", "")
    for key, other in _WAY:
        if key in fields.values and other not in fields.values:
            reading.problem("P515", fields.place(key), ("key", reading.spelled(key)), ("other", reading.spelled(other)))
            return None
    of: Posted = fields.get("of")
    if before and of not in (Posted.HOURS, Posted.POINTS):
        word = WORDS[of.value] if reading.own_script == "zh" else of.value
        reading.problem("P608", fields.place("from_state"), ("of", word))
        return None
    if before and before == after:
        reading.problem("P604", fields.place("to_state"), ("state", after))
        return None
    return lambda clause, _when: Notice(
        clause,
        of,
        fields.get("deadline"),
        fields.get("objection"),
        before,
        after,
        fields.get("by", ""),
        fields.get("appeal"),
    )


_WAY = (("from_state", "to_state"), ("to_state", "from_state"))


def _rounding(fields: Fields, reading: Reading) -> tuple[int, Direction] | None:
    if fields.get("to") <= 0:
        reading.none_of(fields.place("to"), reading.facts["evaluation_score"], fields.get("to"))
        return None
    return fields.get("to"), fields.get("direction")


def _evaluation(fields: Fields, reading: Reading) -> _Build | None:
    (within,) = fields.get("deadline")
    if (within is None) is ("late" in fields.values):
        # What is late only a term tells; and where there is one, the file says what lateness does.
        if within is None:
            reading.problem("P605", fields.place("late"), ("word", reading.worded(_UNLIMITED)))
        else:
            reading.problem("P015", fields.location, ("key", reading.spelled("late")))
        return None
    grades: tuple[Grade, ...] = fields.get("grades", ())
    for above, grade in pairwise(grades):
        if grade.at_least >= above.at_least:
            reading.problem("P606", grade.location)
            return None
    (default,), (evaluators,) = fields.get("default"), fields.get("evaluators")
    to, direction = fields.get("round")
    return lambda clause, _when: Evaluation(
        clause,
        fields.get("axes"),
        fields.get("combine"),
        to,
        direction,
        default,
        evaluators or (),
        within,
        fields.get("late", Late.COUNTS),
        grades,
    )


def _statement(id: str, fields: Fields, reading: Reading, clause: Clause) -> ReviewStatement | None:
    said = [kind for kind in _KINDS if kind in fields.values]
    known = ", ".join(map(reading.spelled, _KINDS))
    if not said:
        reading.problem("P210", clause.location, ("known", known))
        return None
    if len(said) > 1:
        reading.problem("P211", fields.place(said[1]), ("key", reading.spelled(said[1])), ("known", known))
        return None
    if "when" in fields.values and said[0] != "stage":
        reading.problem("P211", fields.place("when"), ("key", reading.spelled("when")), ("known", known))
        return None
    build: _Build = fields.get(said[0])
    return build(clause, fields.get("when"))


REVIEW: NamedForm[ReviewStatement] = NamedForm(
    {
        "stage": Key(_STAGE),
        "notice": Key(_NOTICE),
        "correction": Key(_CORRECTION),
        "spot_check": Key(_SPOT_CHECK),
        "retention": Key(_RETENTION),
        "evaluation": Key(_EVALUATION),
        "when": Key(CONDITION),
    },
    (),
    _statement,
)
