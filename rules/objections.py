"""An objection: why a plugin keeps a record out."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.rules.places import Label


@dataclass(frozen=True, slots=True)
class Objection:
    """A reason in a word, for counting, and in a sentence, for people; neither names a person."""

    reason: str
    sentence: Label = Label()
