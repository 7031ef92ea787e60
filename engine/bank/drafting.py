"""The entry by which something is done to somebody's accounts, where no command of their own is the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

from lianxing.engine.bank.booking import Effects, told_data
from lianxing.engine.bank.customers import Customer
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.rulebook import Rulebook

SYSTEM = "lianxing"


def draft_of(
    rulebook: Rulebook,
    customer: Customer,
    kind: str,
    body: Mapping[str, Any],
    effects: Effects,
    on: date,
    actor: str = SYSTEM,
    reason: str = "",
) -> Draft:
    """Return the entry that does this to somebody's accounts."""
    return Draft(
        kind=kind,
        volunteer=customer.person.id,
        county=customer.owner[1],
        effective_on=on,
        policy_digest=rulebook.policy.digest,
        body=orjson.dumps({**body, **told_data(effects)}),
        actor=actor,
        reason=reason,
        lines=tuple(effects.lines),
        lots=tuple(effects.lots),
        opened=tuple(effects.opened),
        floors=tuple(effects.floors),
        ended=tuple(effects.ended),
        wallets=tuple(effects.wallets),
        number=customer.number,
    )
