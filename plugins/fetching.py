"""What a registry hands over: it is fetched, looked at, and offered to the plugins that may object to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from lianxing.engine.ledger.contents import hash_of
from lianxing.engine.rulebook import Rulebook
from lianxing.plugins.admitting import Admission, as_set_aside, is_value
from lianxing.plugins.chunks import Reviewed
from lianxing.plugins.host import Host, PluginError, failed, gives
from lianxing.plugins.registries.reasons import ExportError
from lianxing.plugins.reporting import Report, aside
from lianxing.rules.facts import FactValue
from lianxing.rules.objections import Objection
from lianxing.rules.records import ServiceRecord, SetAside, Volunteer, Withdrawn

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Fetching:
    """Fetches from one registry plugin; `put_aside` receives each row that does not go in."""

    host: Host
    rulebook: Rulebook
    registry: str
    on: date
    put_aside: Callable[[SetAside], None]
    progress: Progress

    def _fetched(self, hook: str, **arguments: object) -> Iterator[Any]:
        """Yield what the registry plugin hands over; where it fails, the error names it, unless it names a file."""
        for name, call in self.host.implementations(hook):
            if name != self.registry:
                continue
            try:
                yield from call(**arguments) or ()
            except (ExportError, OSError):
                raise
            except Exception as error:  # a plugin may fail in any way; whose fault it is must be said
                raise failed(name, hook, error) from error

    def volunteers(self, report: Report) -> Iterator[Volunteer]:
        """Yield the volunteers that the registry hands over, without those who cannot be kept."""
        for found in self._fetched("fetch_volunteers", county=self.rulebook.policy.county.id):
            report.volunteers_read += 1
            if isinstance(found, SetAside):
                report.volunteers_set_aside += 1
                aside(found, report, self.put_aside)
            elif not isinstance(found, Volunteer):
                raise _no_such(self.registry, found, "volunteers", "志愿者")
            elif (unfit := self._admission.volunteer(self.registry, found)) is not None:
                report.volunteers_set_aside += 1
                aside(unfit, report, self.put_aside)
            else:
                yield found

    def reviewed(
        self, records: Iterable[ServiceRecord | Withdrawn | SetAside], report: Report
    ) -> Iterator[Reviewed | Withdrawn]:
        """Yield the records that nobody objects to, with the facts that plugins supply; and what is taken back."""
        supplying = bool(self.host.implementations("supply_facts"))
        reviewing = bool(self.host.implementations("review_record"))
        own = frozenset(fact.name for fact in self.host.words()) if supplying else frozenset[str]()
        for found in records:
            report.records_read += 1
            if report.records_read % 1000 == 0:
                self.progress("read", report.records_read)
            if not isinstance(found, ServiceRecord | Withdrawn | SetAside):
                raise _no_such(self.registry, found, "service records", "服务记录")
            content: bytes | SetAside | None
            if isinstance(found, SetAside):
                content = found
            elif isinstance(found, Withdrawn):
                content = self._admission.withdrawal(found)
            else:
                content = self._admission.content(found)
            if isinstance(content, SetAside):
                report.set_aside += 1
                aside(content, report, self.put_aside)
                continue
            if isinstance(found, Withdrawn):
                yield found
                continue
            assert isinstance(found, ServiceRecord)
            assert content is not None
            objections = list(self.host.ask("review_record", record=found)) if reviewing else []
            if objections:
                report.withheld += 1
                name, objection = objections[0]
                if not isinstance(objection, Objection):
                    raise gives(name, "review_record", objection, "an Objection")
                aside(_withheld(found, name, objection), report, self.put_aside)
                continue
            yield Reviewed(found, self._supplied(found, own) if supplying else {}, content, hash_of(content))

    def records(self, since: date | None, report: Report) -> Iterator[ServiceRecord | Withdrawn | SetAside]:
        """Yield what the registry hands over of the day `since` and later, whether it keeps to it or not."""
        for found in self._fetched("fetch_records", county=self.rulebook.policy.county.id, since=since):
            if since is not None and isinstance(found, ServiceRecord) and _is_before(found, since):
                report.earlier += 1
            else:
                yield found

    @cached_property
    def _admission(self) -> Admission:
        return Admission(self.rulebook.policy, self.on)

    def _supplied(self, record: ServiceRecord, own: frozenset[str]) -> dict[str, FactValue]:
        """Return what plugins say of a record: values of words that a plugin registered, and of no others."""
        supplied: dict[str, FactValue] = {}
        for name, facts in self.host.ask("supply_facts", record=record):
            if not isinstance(facts, Mapping):
                raise gives(name, "supply_facts", facts, "a mapping")
            for word, value in facts.items():
                fact = self.rulebook.policy.facts.get(word)
                if word not in own or fact is None or not is_value(fact, value):
                    raise PluginError(
                        name,
                        f"给出“{word}”，没有插件登记过它，或类型不对",
                        f"supplies '{word}', which no plugin registered, or not of its type",
                    )
                supplied[word] = value
        return supplied


def _no_such(plugin: str, found: object, en: str, zh: str) -> PluginError:
    kind = type(found).__name__
    return PluginError(plugin, f"交来的是 {kind}，应为{zh}", f"hands over {kind}, not {en}")


def _withheld(record: ServiceRecord, plugin: str, objection: Objection) -> SetAside:
    said = objection.sentence
    details = (("plugin", plugin), ("objection", objection.reason), ("zh", said.zh), ("en", said.en))
    return as_set_aside(record, "id", "withheld", details)


def _is_before(record: ServiceRecord, since: date) -> bool:
    return type(record.day) is date and record.day < since
