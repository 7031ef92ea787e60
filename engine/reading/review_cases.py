"""What a case asks of `review.yaml`: by when something is due, how much is checked, what may be done next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lianxing.engine.reading.forms import (
    DAY,
    YES_NO,
    Choice,
    Fields,
    Id,
    Key,
    ListOf,
    OneOrMore,
    Record,
    Schema,
    Text,
    scalar_text,
    whole,
)
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.told import VOLUNTEER
from lianxing.engine.reading.values import ValueOf
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.cases import SUSPENDED, Deadline, ReviewCase
from lianxing.rules.places import Language
from lianxing.rules.policy import Policy
from lianxing.rules.review import SpotCheck, Stage, has_deadline
from lianxing.rules.reviewing import Doing, Step


@dataclass(frozen=True)
class _Due:
    """The last day, or `suspended` while an objection is not settled."""

    def read(self, node: Node, reading: Reading) -> date | str | None:
        if isinstance(node, Scalar) and node.text in (SUSPENDED, WORDS[SUSPENDED]):
            return SUSPENDED
        return DAY.read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [SUSPENDED, WORDS[SUSPENDED]]}, DAY.schema(script)]}


DOINGS = {
    "applied": "申请",
    "advanced": "办结",
    "late_entry": "补录",
    "returned": "退回",
    "posted": "公示",
    "objected": "异议",
    "outcome": "异议处理",
    "appealed": "申诉",
    "appeal_outcome": "申诉处理",
    "took_effect": "生效",
    "checked": "抽查",
    "revoked": "撤销",
}
NOT_ALLOWED = {
    "own_matter": "本人的事项",
    "own_objection": "本人的异议",
    "own_decision": "本人的决定",
    "no_outcome": "未写明是否成立",
    "before_the_last_step": "早于上一步",
    "not_the_role": "不归其办理",
    "not_in_this_state": "状态不符",
    "which_stage": "未写明环节",
    "too_late": "逾期",
    "not_late": "未逾期",
    "notice_runs": "公示期内",
    "objection_open": "异议未处理完毕",
    "objection_upheld": "异议成立",
    "appeal_possible": "仍可申诉",
    "which_objection": "没有这项异议",
    "no_appeal": "没有规定申诉",
    "appealed_before": "已经申诉过",
    "not_concerned": "不是当事人",
}
PUBLIC = "public"  # whoever acts where a step names nobody: neither the volunteer nor a body
_VOLUNTEER = {"self": "本人"}
_DOINGS = tuple(doing for doing in Doing if doing.value in DOINGS)


@dataclass(frozen=True)
class ActorForm:
    """A name, or the word for the volunteer."""

    def read(self, node: Node, reading: Reading) -> str | None:
        if isinstance(node, Scalar) and node.text in (*_VOLUNTEER, *_VOLUNTEER.values()):
            return VOLUNTEER
        return Text().read(node, reading)

    def schema(self, script: Language) -> Schema:
        return Text().schema(script)


@dataclass(frozen=True)
class _Code:
    """Why a step is not allowed."""

    def read(self, node: Node, reading: Reading) -> str | None:
        spelled = {zh: code for code, zh in NOT_ALLOWED.items()}
        known = list(spelled if reading.own_script == "zh" else NOT_ALLOWED)
        text = scalar_text(node, reading, "P105", ("known", ", ".join(known)))
        if text is None:
            return None
        code = spelled.get(text, text)
        if code not in NOT_ALLOWED:
            hint = nearest(text, known)
            reading.problem("P105", node.location, ("found", text[:40]), ("known", ", ".join(known)), hint=hint)
            return None
        return code

    def schema(self, script: Language) -> Schema:
        return {"enum": sorted({*NOT_ALLOWED, *NOT_ALLOWED.values()})}


_STEP: Record[Step] = Record(
    {
        "on": Key(DAY, required=True),
        "do": Key(Choice(_DOINGS, DOINGS), required=True),
        "by": Key(Text()),
        "actor": Key(ActorForm()),
        "stage": Key(Id()),
        "upheld": Key(YES_NO),
    },
    lambda fields, _reading: Step(
        doing=fields.get("do"),
        on=fields.get("on"),
        actor=fields.get("actor") or fields.get("by") or PUBLIC,
        role=fields.get("by", ""),
        reason=fields.location.path,
        stage=fields.get("stage", ""),
        upheld=fields.get("upheld"),
    ),
)
TOLD: Mapping[str, Key[Any]] = {
    "stage": Key(Id()),
    "started": Key(DAY),
    "objected_on": Key(DAY),
    "settled_on": Key(DAY),
    "reported": Key(whole(0, 10**9)),
}
ASKED: Mapping[str, Key[Any]] = {
    "due": Key(_Due()),
    "checked": Key(whole(0, 10**9)),
    "open_stages": Key(ListOf(Id(), least=0)),
}
COURSE: Mapping[str, Key[Any]] = {
    "course": Key(ListOf(_STEP)),
    "comes_to": Key(ValueOf("state")),
    "not_allowed": Key(OneOrMore(_Code())),
}
COURSE_ASKED = ("comes_to", "not_allowed")


def read_course(fields: Fields, reading: Reading) -> tuple[ReviewCase | None, bool]:
    """Return the steps of a review that a case tells, None where it tells none; and whether they can be asked."""
    pairs = [(name, "course") for name in COURSE_ASKED] + [("course", "comes_to"), ("course", "record")]
    said = fields.values
    for name, other in pairs:
        enough = other in said or (other == "comes_to" and "not_allowed" in said)
        if name in said and not enough:
            reading.problem(
                "P515", fields.place(name), ("key", reading.spelled(name)), ("other", reading.spelled(other))
            )
            return None, False
    if "course" not in said:
        return None, True
    late = [step for step in fields.get("course") if step.on > fields.get("on")]
    for _step in late[:1]:
        reading.problem("P508", fields.place("course"), ("on", fields.get("on")))
    return ReviewCase(fields.get("course"), fields.get("comes_to"), fields.get("not_allowed")), not late


def deadline(policy: Policy, fields: Fields, reading: Reading) -> tuple[Deadline | None, bool]:
    """Return what a case tells of a deadline, and whether all of it fits together."""
    right = _stages_known(policy, fields, reading)
    id = fields.get("stage")
    if id is None:
        alien = [name for name in (*TOLD, "due", "checked") if name in fields.values]
        for name in alien:
            reading.problem(
                "P515", fields.place(name), ("key", reading.spelled(name)), ("other", reading.spelled("stage"))
            )
        return None, right and not alien
    timed = {said.clause.id for said in policy.review if has_deadline(said)}
    checking = {said.clause.id for said in policy.review if isinstance(said, SpotCheck)}
    # A statement has a deadline or a share, never both: a case that asks for both is wrong about one of them.
    asked = [known for key, known in (("due", timed), ("checked", checking)) if key in fields.values] or [timed]
    for known in asked:
        if id not in known:
            hint = nearest(id, sorted(known))
            reading.problem("P514", fields.place("stage"), ("id", id), ("known", ", ".join(sorted(known))), hint=hint)
            right = False
    for name, other in (("checked", "reported"), ("reported", "checked"), ("settled_on", "objected_on")):
        if name in fields.values and other not in fields.values:
            reading.problem(
                "P515", fields.place(name), ("key", reading.spelled(name)), ("other", reading.spelled(other))
            )
            right = False
    started = fields.get("started", fields.get("on"))
    told = (fields.get(name) for name in ("objected_on", "settled_on", "reported"))
    return Deadline(id, started, *told), right


def _stages_known(policy: Policy, fields: Fields, reading: Reading) -> bool:
    stages = {said.clause.id for said in policy.review if isinstance(said, Stage)}
    if "open_stages" in fields.values and not {"record", "records"} & fields.values.keys():
        details = (("key", reading.spelled("open_stages")), ("other", reading.spelled("record")))
        reading.problem("P515", fields.place("open_stages"), *details)
        return False
    unknown = [id for id in fields.get("open_stages", ()) if id not in stages]
    others = {clause.id for clause in policy.clauses}
    for id in unknown:
        # A statement that is there, but is no stage, leads nowhere.
        code, known = ("P514", (("known", ", ".join(sorted(stages))),)) if id in others else ("P504", ())
        reading.problem(code, fields.place("open_stages"), ("id", id), *known, hint=nearest(id, sorted(stages)))
    return not unknown
