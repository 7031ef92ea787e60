"""What a case tells of the service menu: who asks for a service or might serve it, and whose turn it must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lianxing.engine.reading.alternatives import ByName
from lianxing.engine.reading.forms import Fields, Id, Key, ListOf, Record, whole
from lianxing.engine.reading.notes import Reading, nearest
from lianxing.engine.reading.selection_cases import candidates_known, told_candidate
from lianxing.engine.reading.told import FactsForm
from lianxing.rules.asking_cases import Circumstances, MenuCase, ToldRecipient
from lianxing.rules.facts import Scope
from lianxing.rules.perks import Beneficiary
from lianxing.rules.policy import Policy

_IDS = ListOf(Id(), least=0)
_TOGETHER = ("paired", "on_roster", "family", "withdrew")
_RECIPIENT: Record[ToldRecipient] = Record(
    {
        "id": Key(Id(), required=True),
        "facts": Key(FactsForm(frozenset((Scope.PERSON,)))),
        **{name: Key(_IDS) for name in _TOGETHER},
    },
    lambda fields, _reading: ToldRecipient(
        id=fields.get("id"),
        facts=fields.get("facts", {}),
        paired=fields.get("paired", ()),
        on_roster=fields.get("on_roster"),
        family=fields.get("family", ()),
        withdrew=fields.get("withdrew", ()),
    ),
)
MENU_KEYS: Mapping[str, Key[Any]] = {
    "menu": Key(Id()),
    "recipient": Key(_RECIPIENT),
    "ranked": Key(ByName(Id(), whole(1))),
}
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
    recipient: ToldRecipient | None = fields.get("recipient")
    named = [("ranked", name) for name in fields.get("ranked", {})]
    if recipient is not None:
        told_of = (*recipient.paired, *(recipient.on_roster or ()), *recipient.family, *recipient.withdrew)
        named += [("recipient", name) for name in told_of]
    for key, stranger in [(key, name) for key, name in named if name not in ids]:
        reading.problem("P504", fields.place(key), ("id", stranger), hint=nearest(stranger, ids))
        right = False
    around: Circumstances = fields.get("with", Circumstances())
    for one in candidates:
        if one.recipient is None:
            continue
        if recipient is not None:
            reading.problem("P528", one.location)
            right = False
        elif around.for_whom is Beneficiary.SELF:
            details = (("key", reading.spelled("recipient")), ("other", reading.spelled("for_whom")))
            reading.problem("P515", one.location, *details)
            right = False
    told = tuple(told_candidate(policy, one, fields.get("on")) for one in candidates)
    case = MenuCase(id, told, around.for_whom, fields.get("ranked"), fields.get("ineligible"), recipient)
    return case, right
