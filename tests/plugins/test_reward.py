"""A vendor's own platform, with its own plugin manager, asks our rules."""

from __future__ import annotations

from datetime import date

import pluggy

from lianxing import ServiceRecord, SetAside
from lianxing.engine.ledger.opening import Ledger
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.host import Host
from lianxing.plugins.intake import Intake
from lianxing.plugins.reward import reward_plugin
from tests.plugins.smallville import served

PLATFORM = "platform"
declares = pluggy.HookspecMarker(PLATFORM)


class Hooks:
    @declares(firstresult=True)
    def service_recorded(self, record: ServiceRecord) -> object: ...

    @declares(firstresult=True)
    def standing_requested(self, volunteer: str, on: date) -> object: ...


def platform(rulebook: Rulebook, ledger: Ledger, aside: list[SetAside]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PLATFORM)
    manager.add_hookspecs(Hooks)
    intake = Intake(Host(installed=False), rulebook, ledger, "platform", date.min, aside.append)
    manager.register(reward_plugin(PLATFORM, intake, lambda: date(2024, 12, 31)), "lianxing")
    manager.check_pending()
    return manager


def test_a_platform_records_a_service_and_asks_where_the_volunteer_stands(rulebook: Rulebook, ledger: Ledger) -> None:
    hooks = platform(rulebook, ledger, []).hook
    report = hooks.service_recorded(record=served("1", "2024-05-01 09:00", 2))
    assert (report.booked, report.points) == (1, 200)
    standing = hooks.standing_requested(volunteer="V1", on=date(2024, 12, 31))
    assert (standing.star_held, standing.points, standing.next_star) == (1, 200, 2)
    assert hooks.standing_requested(volunteer="V9", on=date(2024, 12, 31)) is None


def test_the_same_service_twice_changes_nothing(rulebook: Rulebook, ledger: Ledger) -> None:
    hooks = platform(rulebook, ledger, []).hook
    for _ in range(2):
        report = hooks.service_recorded(record=served("1", "2024-05-01 09:00", 2))
    assert (report.booked, report.unchanged) == (0, 1)


def test_a_service_of_tomorrow_is_set_aside_with_the_reason(rulebook: Rulebook, ledger: Ledger) -> None:
    aside: list[SetAside] = []
    report = platform(rulebook, ledger, aside).hook.service_recorded(record=served("1", "2025-05-01 09:00", 2))
    assert (report.booked, report.set_aside) == (0, 1)
    assert [row.reason for row in aside] == ["future_date"]
