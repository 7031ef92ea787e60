"""What a case asks of `review.yaml`: by when something is due, how much is checked, what may be done next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lianxing.engine.reading.forms import DAY, Fields, Id, Key, ListOf, Reading, Schema, nearest, whole
from lianxing.engine.reading.nodes import Node, Scalar
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.rules.cases import SUSPENDED, Deadline
from lianxing.rules.places import Language
from lianxing.rules.policy import Policy
from lianxing.rules.review import SpotCheck, Stage, has_deadline


@dataclass(frozen=True)
class _Due:
    """The last day, or `suspended` while an objection is not settled."""

    def read(self, node: Node, reading: Reading) -> date | str | None:
        if isinstance(node, Scalar) and node.text in (SUSPENDED, WORDS[SUSPENDED]):
            return SUSPENDED
        return DAY.read(node, reading)

    def schema(self, script: Language) -> Schema:
        return {"anyOf": [{"enum": [SUSPENDED, WORDS[SUSPENDED]]}, DAY.schema(script)]}


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
