"""The only module that knows the package `holidays`: public holidays, and days of rest that were exchanged.

Its surprises, each guarded below:

* Without `language`, names come in the language of the process's environment; the days off that were exchanged are told
  apart by name only, so the country's own language is asked for.
* For years whose arrangement is not announced it answers all the same, without any exchanged day. What it says of such
  a year is the law's holidays and the plain weekend.
* The make-up day for a New Year's holiday can lie in December of the year before.
* Importing it takes a tenth of a second: it is imported when the first working day is asked, never at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

QINGMING = "清明节"
_LUNAR_COUNTRY = "CN"


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """A year of a country: holidays by law, days off in lieu or by exchange, and weekend days that are worked.

    `weekend` holds the weekdays of rest, Monday being 0; `announced` tells whether the exchanged days are known.
    """

    statutory: frozenset[date]
    days_off: frozenset[date]
    make_up: frozenset[date]
    weekend: frozenset[int]
    announced: bool


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """Return the codes of the countries that are known, two letters each."""
    from holidays import list_supported_countries

    return frozenset(code for code in list_supported_countries() if len(code) == 2)


@lru_cache(maxsize=1024)
def public_holidays(country: str, year: int) -> PublicHolidays:
    """Return what is known of a year."""
    by_law = _asked(country, year, observed=False)
    taken = _asked(country, year, observed=True)
    statutory = frozenset(day for day in by_law if any(not _exchanged(by_law, name) for name in by_law.get_list(day)))
    return PublicHolidays(
        statutory=statutory,
        days_off=frozenset(taken) - statutory,
        make_up=frozenset(day for day in taken.weekend_workdays if day.year == year),
        weekend=frozenset(taken.weekend),
        announced=_announced(taken, year),
    )


def _asked(country: str, year: int, *, observed: bool) -> Any:
    from holidays import country_holidays

    language = country_holidays(country).default_language
    return country_holidays(country, years=year, observed=observed, language=language, expand=False)


def _exchanged(days: Any, name: str) -> bool:
    label: str = getattr(days, "substituted_label", None) or ""
    before, _, after = label.partition("%s")
    return bool(label) and name.startswith(before) and name.endswith(after)


def _announced(days: Any, year: int) -> bool:
    """Where days are exchanged by a notice of each year, the years for which the package has one."""
    if not days.start_year <= year <= days.end_year:
        return False
    tables = (getattr(days, f"special_public_holidays{kind}", {}) for kind in ("", "_observed"))
    noticed = {
        of_year
        for table in tables
        for of_year, lines in table.items()
        for line in (lines if isinstance(lines[0], tuple) else (lines,))
        if len(line) >= 4 and isinstance(line[3], int)  # a day off and the day worked for it, month and day each
    }
    return not noticed or min(noticed) <= year <= max(noticed)
