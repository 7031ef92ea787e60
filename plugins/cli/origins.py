"""Where a value comes from, said for a person and for a program."""

from __future__ import annotations

from datetime import date
from typing import Any

from lianxing.engine.origins import Origin, Saying
from lianxing.engine.paths import Value
from lianxing.engine.reading.vocabulary import WORDS
from lianxing.plugins.cli.speaking import Say, Speaker
from lianxing.rules.places import Location, Source


def tell_origin(origin: Origin, day: date, speaker: Speaker) -> None:
    """Say what holds and what it took the place of; of a value that changed over the years, which is in force."""
    say = speaker.say
    speaker.line(".".join(origin.path))
    for index, saying in enumerate(origin.sayings):
        if saying.removes:
            what = say("已删除", "removed") if index == 0 else say("曾删除", "was removed")
        elif index == 0:
            what = say("写于", "said by")
        else:
            what = say("改写了", "overrides") if not origin.sayings[index - 1].removes else say("删除了", "removes")
        source = source_text(saying.source, say)
        speaker.line(f"  {what} {saying.layer}　{_at(saying.location)}{f'　{source}' if source else ''}")
        for value in saying.values:
            speaker.line(f"    {_value_line(value, day, say)}")


def _value_line(value: Value, day: date, say: Say) -> str:
    name = ".".join(value.path)
    line = f"{name}: {value.text}" if name else value.text
    if value.dated:
        since = say(f"　自 {value.since}", f"　from {value.since}") if value.since else ""
        until = say(f"　至 {value.until}", f"　until {value.until}") if value.until else ""
        line += since + until
        if value.in_force(day):
            line += say(f"　← {day} 适用", f"　<- in force on {day}")
    return f"{line}　〔{_at(value.location)}〕"


def _at(place: Location) -> str:
    return f"{place.path}:{place.line}"


def source_text(source: Source, say: Say) -> str:
    """Return a source on one line: title, clause, and what its numbers are worth."""
    status = WORDS.get(source.status, source.status) if say.language == "zh" else source.status
    return say("，", ", ").join(part for part in (source.title, source.clause, status) if part)


def origin_data(origin: Origin, day: date) -> dict[str, Any]:
    """Return an origin as plain data; `says` is what holds, or the removal, then what each took the place of."""
    return {"path": ".".join(origin.path), "says": [_saying_data(saying, day) for saying in origin.sayings]}


def _saying_data(saying: Saying, day: date) -> dict[str, Any]:
    source = {"title": saying.source.title, "clause": saying.source.clause, "status": saying.source.status}
    return {
        "layer": saying.layer,
        "at": str(saying.location),
        "removes": saying.removes,
        "source": {name: text for name, text in source.items() if text},
        "values": [_value_data(value, day) for value in saying.values],
    }


def _value_data(value: Value, day: date) -> dict[str, Any]:
    return {
        "path": ".".join(value.path),
        "value": value.text,
        "at": str(value.location),
        "since": value.since.isoformat() if value.since else None,
        "until": value.until.isoformat() if value.until else None,
        "in_force": value.in_force(day),
    }
