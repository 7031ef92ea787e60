"""What a case tells of the service menu: who asks for a service, and whose turn it must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lianxing.engine.reading.alternatives import ByName
from lianxing.engine.reading.forms import Fields, Id, Key, Reading, nearest, whole
from lianxing.engine.reading.selection_cases import candidates_known, told_candidate
from lianxing.rules.asking_cases import Circumstances, MenuCase
from lianxing.rules.policy import Policy

MENU_KEYS: Mapping[str, Key[Any]] = {"menu": Key(Id()), "ranked": Key(ByName(Id(), whole(1)))}
ASKED = ("ranked",)


def read_queue(policy: Policy, fields: Fields, reading: Reading) -> tuple[MenuCase | None, bool]:
    """Return who asks for what in a case, None where nobody does, and whether it fits together."""
    said = [name for name in (*MENU_KEYS, "candidates") if name in fields.values]
    if "menu" not in said or "candidates" not in said:
        alone = [name for name in said if name != "candidates"]
        for name in alone:
            other = "candidates" if name == "menu" else "menu"
            details = (("key", reading.spelled(name)), ("other", reading.spelled(other)))
            reading.problem("P515", fields.place(name), *details)
        return None, not alone
    id = fields.get("menu")
    known = [request.clause.id for request in policy.menu]
    right = id in known
    if not right:
        reading.problem("P504", fields.place("menu"), ("id", id), hint=nearest(id, known))
    candidates = fields.get("candidates")
    right = candidates_known(fields, candidates, reading) and right
    ids = [one.id for one in candidates]
    for stranger in [name for name in fields.get("ranked", {}) if name not in ids]:
        reading.problem("P504", fields.place("ranked"), ("id", stranger), hint=nearest(stranger, ids))
        right = False
    around: Circumstances = fields.get("with", Circumstances())
    told = tuple(told_candidate(policy, one, fields.get("on")) for one in candidates)
    return MenuCase(id, told, around.for_whom, fields.get("ranked"), fields.get("ineligible")), right
