"""The other way round: for a system that runs pluggy itself, a plugin that answers its hooks with our rules.

The host declares the hooks it wants under its own project name; `reward_plugin` implements these, and pluggy checks
that the arguments fit:

    service_recorded(record: ServiceRecord) -> Report        books the record, or tells why not
    standing_requested(volunteer: str, on: date) -> Standing | None      None for somebody unknown
    redemption_requested(volunteer: str, offer: str, units: int, merchant: str, on: date, key: str) -> Served

Asked again with the same key, the last one gives the same answer; a host that redeems nothing need not declare it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pluggy

from lianxing.engine.passbooks import Passbooks
from lianxing.plugins.desk import Desk, Served
from lianxing.plugins.intake import Intake
from lianxing.plugins.reporting import Report
from lianxing.rules.commands import Redeem
from lianxing.rules.facts import VolunteerId
from lianxing.rules.records import ServiceRecord, SetAside
from lianxing.rules.standings import Standing


def reward_plugin(project: str, intake: Intake, today: Callable[[], date]) -> object:
    """Return a plugin for the plugin manager of `project`; `today` is asked for each record, in the county's zone."""
    answering = pluggy.HookimplMarker(project)
    passbooks = Passbooks(intake.ledger, intake.rulebook)
    desk = Desk(intake.host, intake.ledger, intake.rulebook)

    @answering
    def service_recorded(record: ServiceRecord | SetAside) -> Report:
        return replace(intake, on=today()).take((record,))

    @answering
    def standing_requested(volunteer: str, on: date) -> Standing | None:
        try:
            return passbooks.standing(VolunteerId(volunteer), on)
        except LookupError:
            return None

    @answering(optionalhook=True)
    def redemption_requested(volunteer: str, offer: str, units: int, merchant: str, on: date, key: str) -> Served:
        county = intake.rulebook.policy.county.id
        return desk.serve(
            Redeem(
                volunteer=VolunteerId(volunteer),
                county=county,
                on=on,
                scope=project,
                key=key,
                offer=offer,
                units=units,
                merchant=merchant,
            )
        )

    return SimpleNamespace(
        service_recorded=service_recorded,
        standing_requested=standing_requested,
        redemption_requested=redemption_requested,
    )
