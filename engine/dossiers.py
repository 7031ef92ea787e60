"""The dossier of a recipient, from what was counted and from requests that were confirmed. Derived, never stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from lianxing.engine.amounts import counted, time_text, value_text
from lianxing.rules.dossiers import Dossier, Received
from lianxing.rules.facts import FactValue
from lianxing.rules.places import Language
from lianxing.rules.policy import Policy
from lianxing.rules.requests import RequestState, ServiceRequest
from lianxing.rules.standings import Counted

RECIPIENT = "recipient"
_EVALUATION = ("evaluation", "evaluation_score")


def dossier(
    recipient: str,
    history: Iterable[Counted] = (),
    requests: Iterable[ServiceRequest] = (),
    first: date = date.min,
    last: date = date.max,
) -> Dossier:
    """Return the services that somebody received from a day to a day.

    From records that count and name the recipient, and from requests that the recipient confirmed and nobody has
    revoked; a request whose record is among them is told once, with what the request says of its evaluation.
    """
    asked = {one.id: one for one in requests if one.recipient == recipient and _was_served(one)}
    found = [
        _of_record(past, asked.pop(past.record.id, None))
        for past in history
        if past.counted and _facts(past).get(RECIPIENT) == recipient
    ]
    found += [_of_request(one, one.served_on) for one in asked.values() if one.served_on is not None]
    services = tuple(sorted((one for one in found if first <= one.on <= last), key=_order))
    by_kind: dict[str, tuple[int, int]] = {}
    for one in services:
        count, seconds = by_kind.get(one.kind, (0, 0))
        by_kind[one.kind] = (count + 1, seconds + one.seconds)
    return Dossier(recipient, services, sum(one.seconds for one in services), dict(sorted(by_kind.items())))


def recipients(history: Iterable[Counted] = (), requests: Iterable[ServiceRequest] = ()) -> tuple[str, ...]:
    """Return everybody for whom there is a dossier, by id."""
    named = {_facts(past).get(RECIPIENT) for past in history if past.counted}
    named |= {one.recipient for one in requests if _was_served(one)}
    return tuple(sorted(id for id in named if isinstance(id, str) and id))


def dossier_sentences(file: Dossier, policy: Policy, language: Language) -> Iterator[str]:
    """Yield a dossier in words: `2024-06-15 haircut at home, 1 h, by V2: evaluation excellent`."""
    zh = language == "zh"
    total = time_text(file.seconds, language)
    count = len(file.services)
    if zh:
        yield f"服务对象 {file.recipient}：{count} 次，共 {total}"
    else:
        yield f"Recipient {file.recipient}: {counted(count, 'service', 'services')}, {total} in all"
    for one in file.services:
        kind, time = _kind_name(policy, one.kind, language), time_text(one.seconds, language)
        said = ("，" if zh else ", ").join(_evaluation(policy, one.evaluation, language))
        if zh:
            yield f"  {one.on} {kind}，{time}，由 {one.volunteer} 服务{'：' + said if said else ''}"
        else:
            yield f"  {one.on} {kind}, {time}, by {one.volunteer}{': ' + said if said else ''}"


def _was_served(one: ServiceRequest) -> bool:
    return one.confirmed_on is not None and one.state is not RequestState.REVOKED


def _facts(past: Counted) -> Mapping[str, FactValue]:
    return {**past.supplied, **past.record.facts}


def _of_record(past: Counted, asked: ServiceRequest | None) -> Received:
    record, facts = past.record, _facts(past)
    said = {name: facts[name] for name in _EVALUATION if name in facts}
    kind = record.activity or str(facts.get("category", ""))
    evaluation = {**said, **asked.evaluation} if asked is not None else said
    return Received(record.day, kind, record.seconds, record.volunteer, record.id, evaluation)


def _of_request(one: ServiceRequest, served_on: date) -> Received:
    return Received(served_on, one.request, one.confirmed_seconds, one.volunteer, one.id, one.evaluation)


def _order(one: Received) -> tuple[date, str, str]:
    return one.on, one.id, one.volunteer


def _kind_name(policy: Policy, kind: str, language: Language) -> str:
    service = next((one for one in policy.menu if one.clause.id == kind), None)
    label = None if service is None else service.clause.label
    category = policy.facts.get("category")
    if label is None and category is not None:
        label = next((value.label for value in category.values if value.id == kind), None)
    named = "" if label is None else label.text(language)
    if language == "zh" and service is not None and not named:
        return service.request  # the words of the county
    return named or kind or ("服务" if language == "zh" else "service")


def _evaluation(policy: Policy, said: Mapping[str, FactValue], language: Language) -> Iterator[str]:
    for name, value in said.items():
        fact = policy.facts.get(name)
        if fact is not None:
            named = fact.zh if language == "zh" and fact.zh else fact.name.replace("_", " ")
            yield f"{named} {value_text(fact, value, language)}"
