"""The chapter `stars.yaml`: one statement; a layer that overrides it gives the whole ladder."""

from __future__ import annotations

from dataclasses import dataclass

from lianxing.engine.reading.conditions import STANDING_SCOPES, ConditionForm
from lianxing.engine.reading.forms import YES_NO, Choice, Fields, Key, Reading, Record, Schema, whole
from lianxing.engine.reading.nodes import Entries, Node
from lianxing.engine.reading.statements import CARRIED, Statement, clause
from lianxing.rules.places import Language
from lianxing.rules.stars import AwardBy, LowersTheBasis, StarLevel, StarScale

STARS_ID = "stars"
STAR_MAX = 20

CONDITION = ConditionForm(STANDING_SCOPES)


@dataclass(frozen=True)
class _Levels:
    """A mapping from star to condition, ascending from any star on."""

    def read(self, node: Node, reading: Reading) -> tuple[StarLevel, ...] | None:
        if not isinstance(node, Entries):
            reading.problem("P014", node.location, ("expected", "mapping"))
            return None
        if not node.entries:
            reading.problem("P111", node.location)
            return None
        levels: list[StarLevel] = []
        for key, item in node.entries:
            star = whole(1, STAR_MAX).read(key, reading)
            condition = CONDITION.read(item, reading)
            if star is None or condition is None:
                continue
            if levels and star <= levels[-1].star:
                reading.problem("P315", key.location, ("star", star), ("before", levels[-1].star))
            levels.append(StarLevel(star, condition, key.location))
        return tuple(levels) if len(levels) == len(node.entries) else None

    def schema(self, script: Language) -> Schema:
        condition: Schema = {"$ref": "#/$defs/condition"}
        return {
            "type": "object",
            "minProperties": 1,
            "patternProperties": {"^[0-9]+$": condition},
            "additionalProperties": False,
        }


def _scale(fields: Fields, reading: Reading) -> tuple[Statement[StarScale]]:
    scale = StarScale(
        clause(STARS_ID, fields, reading),
        fields.get("award"),
        fields.get("levels"),
        fields.get("lowers_the_basis"),
    )
    return (Statement(STARS_ID, fields.location, scale),)


STARS: Record[tuple[Statement[StarScale]]] = Record(
    {
        "award": Key(
            Record({"by": Key(Choice(tuple(AwardBy)), required=True)}, lambda fields, _reading: fields.get("by")),
            required=True,
        ),
        "lowers_the_basis": Key(
            Record(
                {name: Key(YES_NO, required=True) for name in ("spending", "expiry", "revocation")},
                lambda fields, _reading: LowersTheBasis(
                    *(fields.get(name) for name in ("spending", "expiry", "revocation"))
                ),
            )
        ),
        "levels": Key(_Levels(), required=True),
        **CARRIED,
    },
    _scale,
)
