"""What a case asks of stars that are awarded and of sanctions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from lianxing.engine.reading.forms import DAY, Amount, Choice, Fields, Id, Key, ListOf, Record, whole
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.sanctions import EFFECT_KEYS
from lianxing.engine.reading.stars import STAR_MAX, ByStar
from lianxing.rules.decision_cases import DecisionCase, ExpectedDecision
from lianxing.rules.decisions import StarOutcome, StarReason
from lianxing.rules.facts import FactType
from lianxing.rules.policy import Policy

OUTCOMES = {"granted": "授予", "refused": "拒绝", "lost": "失去"}
REASONS = {
    "reached": "达到条件",
    "rated": "定期评定",
    "applied": "依申请",
    "nominated": "依推荐",
    "direct": "直接授予",
    "renewed": "续期",
    "no_star": "无此星级",
    "not_passed": "未经审批通过",
    "not_the_approver": "审批人不符",
    "not_nominated": "非组织推荐",
    "not_above": "不高于所持星级",
    "not_next": "不是下一级",
    "not_selected": "未入选",
    "condition": "条件未满足",
    "not_highest": "不是可得的最高一级",
    "sanction": "受处理",
    "below": "低于条件",
    "expired": "到期",
    "restarted": "重新起算",
}

_DECISION: Record[ExpectedDecision] = Record(
    {
        "on": Key(DAY, required=True),
        "star": Key(whole(0, STAR_MAX), required=True),
        "outcome": Key(Choice(tuple(StarOutcome), OUTCOMES), required=True),
        "why": Key(Choice(tuple(StarReason), REASONS)),
    },
    lambda fields, _reading: ExpectedDecision(
        fields.get("on"), fields.get("star"), fields.get("outcome"), fields.get("why")
    ),
)
_EFFECTS: Record[dict[str, str]] = Record(
    {name: Key(key.form) for name, key in EFFECT_KEYS.items()},
    lambda fields, _reading: {name: effect_word(value) for name, value in fields.values.items()},
)
ASKED: Mapping[str, Key[Any]] = {
    "star_held": Key(whole(0, STAR_MAX)),
    "decisions": Key(ListOf(_DECISION, least=0)),
    "sanctions": Key(ListOf(Id(), least=0)),
    "standing_effects": Key(_EFFECTS),
    "number": Key(whole(1)),
    "grants": Key(ByStar(Amount(FactType.POINTS))),
}


def effect_word(value: Enum | bool) -> str:
    """Return an effect as the word by which a policy names it."""
    if isinstance(value, Enum):
        return str(value.value)
    return "yes" if value else "no"


def read_decisions(policy: Policy, fields: Fields, reading: Reading) -> tuple[DecisionCase | None, bool]:
    """Return what a case expects to be decided, None where it asks nothing of it; and whether it can be asked."""
    if not any(name in fields.values for name in ASKED):
        return None, True
    known = [sanction.clause.id for sanction in policy.sanctions]
    strange = [id for id in fields.get("sanctions", ()) if id not in known]
    for id in strange:
        reading.problem("P504", fields.place("sanctions"), ("id", id), hint=nearest(id, known))
    grants_asked = "grants" in fields.values
    asked = DecisionCase(
        star_held=fields.get("star_held"),
        decisions=fields.get("decisions"),
        sanctions=fields.get("sanctions"),
        effects=fields.get("standing_effects"),
        number=fields.get("number"),
        grants={star: points for star, (points, _place) in fields.get("grants").items()} if grants_asked else None,
    )
    return asked, not strange
