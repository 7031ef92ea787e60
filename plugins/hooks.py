"""The hooks, in the order of a record's life. This is the whole interface; docs/hooks.md is made from it.

The verb tells the kind. `register_`, `fetch_` and `supply_` collect from all plugins, `review_` may object, of
`fulfil_` the first answer counts, a past participle is told after the commit. No hook changes a number. Answers are
taken in the order of the plugins' names, so that the order of installation decides nothing. Arguments are only ever
added: an implementation names those it wants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources.abc import Traversable

import pluggy

from lianxing.rules.assessments import Assessment, Entry
from lianxing.rules.facts import CountyId, Fact, FactValue
from lianxing.rules.objections import Objection
from lianxing.rules.receipts import Receipt, Redemption
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer, Withdrawn
from lianxing.rules.standings import Standing

PROJECT = "lianxing"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_policies() -> Iterable[Traversable]:
    """Contribute folders that hold counties, layer below layer. The same county twice is an error that names both."""
    raise NotImplementedError


@hookspec
def register_facts() -> Iterable[Fact]:
    """Contribute words that conditions may use; `supply_facts` gives their values. A word that exists is an error."""
    raise NotImplementedError


@hookspec
def fetch_volunteers(county: CountyId) -> Iterable[Volunteer | SetAside]:
    """Hand over what the registry knows of people, before their records; what cannot be understood, with the reason."""
    raise NotImplementedError


@hookspec
def fetch_records(county: CountyId, since: date | None) -> Iterable[ServiceRecord | Withdrawn | SetAside]:
    """Hand over the county's records of the day `since` and later; what cannot be understood, with the reason.

    A record that comes again with other content corrects the one that is booked; `Withdrawn` takes one back.
    """
    raise NotImplementedError


@hookspec
def review_record(record: ServiceRecord) -> Objection | None:
    """Object to a record, with a reason; any objection keeps it out. No plugin can change a record."""
    raise NotImplementedError


@hookspec
def supply_facts(record: ServiceRecord) -> Mapping[str, FactValue]:
    """Give values for words of `register_facts`, in the unit of their type; they are stored with the assessment."""
    raise NotImplementedError


@hookspec
def record_assessed(assessment: Assessment, entry: Entry) -> None:
    """Be told of an entry after the commit. A failure here is logged under the plugin's name and undoes nothing."""
    raise NotImplementedError


@hookspec
def star_reached(standing: Standing, star_before: int) -> None:
    """Be told, after the commit, of a person whose star has changed. A failure here undoes nothing."""
    raise NotImplementedError


@hookspec
def fulfil_redemption(redemption: Redemption) -> Receipt | None:
    """Hand over what is reserved, and give the receipt; None leaves it to the next plugin, or to people.

    The first receipt counts and settles the reservation. It may be asked again about the same `redemption.key`, after a
    failure for example, and must then give the receipt that it gave. A failure here leaves the reservation as it is.
    What waits for an approver is asked about once it is approved. Of a receipt's number the first 200 characters are
    kept, without control characters; a receipt that is no text settles without a number, and the plugin is named.
    """
    raise NotImplementedError


@hookspec
def redemption_settled(redemption: Redemption, receipt: Receipt | None) -> None:
    """Be told, after the commit, that something was handed over: by which receipt, None where people did it.

    A failure here is logged under the plugin's name and undoes nothing.
    """
    raise NotImplementedError


HOOKS = (
    register_policies,
    register_facts,
    fetch_volunteers,
    fetch_records,
    review_record,
    supply_facts,
    record_assessed,
    star_reached,
    fulfil_redemption,
    redemption_settled,
)
