"""What the body of an entry tells a statement: whom and what it concerns, its reasons, what left or was outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from lianxing.engine.bank.booking import UNSTORED
from lianxing.engine.bank.turning import CONVERTED
from lianxing.engine.closings import LEFT_UNDER
from lianxing.engine.pooling import POOLED_IN
from lianxing.engine.reading.redemption import OFFER_WORDS
from lianxing.engine.wording import unmet_sentence
from lianxing.rules.assessments import Refusal
from lianxing.rules.facts import Fact, VolunteerId
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Label
from lianxing.rules.statements import (
    GoneOver,
    Left,
    Outside,
    Pooled,
    StatedReason,
    Subject,
)

Body = Mapping[str, Any]
Kept = Mapping[str, Mapping[str, str]]  # clauses by id


def request(body: Body, asker: VolunteerId, kept: Kept) -> Subject:
    """Return the request of which a step tells: its id, the service, and whom it is for."""
    asked, made = body["asked"], body.get("request", {})
    service, recipient = str(made.get("request", asked["service"])), str(made.get("recipient", asked["recipient"]))
    id = str(made.get("id", asked["request"] or service))
    return Subject("request", id, label_of(kept, service), counterpart="" if recipient == asker else recipient)


def for_whom(asked: Body) -> str:
    """Return who used it where that was not the person: a member of the family, or what somebody is to the person."""
    said = str(asked.get("member", "") or asked.get("for_whom", ""))
    return "" if said == Beneficiary.SELF.value else said


def read(stored: bytes) -> Body:
    """Return what an entry says, read."""
    body: Body = orjson.loads(stored) if stored else {}
    return body


def concerns(body: Body) -> int | None:
    """Return the entry that an entry settles, gives back or uses; one of another county is none of this passbook."""
    asked: Body = body.get("asked", {})
    found = None if "from_county" in asked else asked.get("entry", body.get("entry", body.get(LEFT_UNDER)))
    return found if isinstance(found, int) else None


def label_of(kept: Kept, id: str) -> Label:
    """Return what a policy of that time called a clause."""
    clause = kept.get(id, {})
    return Label(clause.get("zh", ""), clause.get("en", ""))


def gone_over(kind: str, body: Body) -> Iterator[GoneOver]:
    """Yield what an entry says of changes of rules: its own, or those that something late went through."""
    for account, unit, before, after in body["accounts"] if kind == CONVERTED else ():
        yield GoneOver(account, unit, before, after)
    for said in body.get("transitions", ()):
        yield GoneOver(said["account"], said["unit"], said["came"], said["went"])


def entitled(body: Body) -> tuple[str, int] | None:
    """Return what was had of a balance that is not used up, with its unit."""
    entitled = body.get("allowed") and body.get("terms", {}).get("watermark")
    return (str(body["unit"]), int(body["price"])) if entitled else None


def family(body: Body) -> tuple[tuple[str, str], ...] | None:
    """Return whom somebody has declared, or was not let declare, each with the relation."""
    asked = body.get("asked", {})
    if asked.get("command") != "declare":
        return None
    return tuple((str(id), str(relation)) for id, relation in asked["family"])


def outside(body: Body) -> Iterator[Outside]:
    """Yield what an entry says that accounts have not taken in; of limits the steps of its record tell."""
    for one in body.get(UNSTORED, ()):
        if one["account"]:
            yield Outside(one["account"], one["unit"], one["rest"], one["over"], one["off"], one["to"])


def pooled(body: Body) -> Iterator[Pooled]:
    """Yield in whose passbook is what a family earns together, as the entries of both say it."""
    for account, holder in body.get(POOLED_IN, {}).items():
        if "from" in body:
            yield Pooled(account, holder, str(body["from"]), f"{body['registry']}/{body['record']}")
        else:
            yield Pooled(account, holder)


def left(body: Body) -> Iterator[Left]:
    """Yield what an entry says that has left with a closing."""
    heir = str(body.get("asked", body).get("heir", ""))
    for one in body.get("closes", ()):
        if one["amount"]:
            yield Left(one["clause"], one["unit"], one["amount"], one["where"], heir)


def unmet(body: Body, facts: Mapping[str, Fact]) -> Iterator[Label]:
    """Yield what of the condition of an offer did not hold."""
    for said in body.get("unmet", ()):
        known = {**facts, **OFFER_WORDS}
        label = Label(unmet_sentence(said, known, "zh"), unmet_sentence(said, known, "en"))
        if label != Label():
            yield label


def stated(reason: Body) -> StatedReason:
    """Return a reason that an answer gave."""
    return StatedReason(
        reason["code"], reason["clause"], reason["at"], reason["cites"], tuple(reason["operands"].items())
    )


def refusal(said: Body) -> Refusal:
    """Return a refusal that a record met."""
    details = {name: str(value) for name, value in said.items() if name not in ("clause", "part", "reason")}
    return Refusal(said["clause"], said["part"], said["reason"], tuple(details.items()))
