"""Words that an option takes: in either script, as in a policy; help and problems show the reader's own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import click

from lianxing.engine.reading.vocabulary import WORDS
from lianxing.plugins.cli.speaking import Say
from lianxing.rules.families import RELATIONS

RELATION_WORDS: Mapping[str, str] = {word: label.zh for word, label in RELATIONS.items()}


def spelled(kind: type[Enum], words: Mapping[str, str] = WORDS) -> Mapping[str, Any]:
    """Return the members of a kind by both spellings of each."""
    return {spelling: one for one in kind for spelling in (one.value, words[one.value])}


def choices(kind: type[Enum], say: Say, words: Mapping[str, str] = WORDS) -> list[str]:
    """Return the words of a kind as the reader spells them."""
    return [say(words[one.value], one.value) for one in kind]


class Word(click.Choice[str]):
    """One of the words of a kind; what the command gets is the member."""

    def __init__(self, kind: type[Enum], say: Say) -> None:
        super().__init__(choices(kind, say))
        self._say = say
        self._members = spelled(kind)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        return self._say(f"可选：{'、'.join(self.choices)}", f"Choose from: {', '.join(self.choices)}")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        member = self._members.get(value) if isinstance(value, str) else value
        return super().convert(value, param, ctx) if member is None else member
