"""Reward policies as code for volunteer service.

The public names: what a plugin needs to hand over records or goods, add words, object, and be told. Everything else is
below `lianxing.rules` (shapes), `lianxing.engine` (what follows from them) and `lianxing.plugins` (how the outside
joins in); docs/python.md shows how a program of its own opens a ledger and serves people.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianxing.plugins.hooks import hookimpl
    from lianxing.rules.assessments import Assessment, Entry
    from lianxing.rules.facts import Fact, FactType, Scope
    from lianxing.rules.objections import Objection
    from lianxing.rules.places import Label
    from lianxing.rules.receipts import Receipt, Redemption
    from lianxing.rules.records import ServiceRecord, SetAside, Volunteer, Withdrawn
    from lianxing.rules.standings import Standing

__all__ = [
    "Assessment",
    "Entry",
    "Fact",
    "FactType",
    "Label",
    "Objection",
    "Receipt",
    "Redemption",
    "Scope",
    "ServiceRecord",
    "SetAside",
    "Standing",
    "Volunteer",
    "Withdrawn",
    "hookimpl",
]

_HOMES = {
    "Assessment": "rules.assessments",
    "Entry": "rules.assessments",
    "Fact": "rules.facts",
    "FactType": "rules.facts",
    "Label": "rules.places",
    "Objection": "rules.objections",
    "Receipt": "rules.receipts",
    "Redemption": "rules.receipts",
    "Scope": "rules.facts",
    "ServiceRecord": "rules.records",
    "SetAside": "rules.records",
    "Standing": "rules.standings",
    "Volunteer": "rules.records",
    "Withdrawn": "rules.records",
    "hookimpl": "plugins.hooks",
}


def __getattr__(name: str) -> object:
    # Names are imported when they are asked for: the command line starts without them.
    if name in _HOMES:
        return getattr(import_module(f"lianxing.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'lianxing' has no attribute '{name}'")
