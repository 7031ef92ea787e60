"""The shape files: one county for each rule shape of the catalogue, with its proof.

    shape: RS-A1
    zh: 按时长类别筛选                 the shape's name in both languages
    en: source filter by hour class
    seen: [E4, NVSI-3]               policies in which it was seen; `inferred` where no source has it
    says:                            the chapters of the smallest county that says it; `cn/hours.yaml`: of a layer below
      hours.yaml: |
        - id: ...
    county: |                        more of its county.yaml
    shows: [hours.yaml]              what the table shows of it; the first chapter where nothing is said
    cases: |                         its cases.yaml
    changes:                         each makes a case fail; with `refused` the county is refused, with this problem
      - {in: hours.yaml, from: credit, to: honor}
      - {in: hours.yaml, from: credit, to: credits, refused: P105}
    proved_by: [tests/...::test_x]   tests that prove what is no evaluation
    note: {zh: ..., en: ...}         what the row says besides

docs/rule-shapes.md is made from these files, and test_shapes.py runs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lianxing.engine.reading import pyyaml
from lianxing.engine.reading.nodes import Entries, Items, Node, Scalar

FOLDER = Path(__file__).resolve().parent
PATH = "tests/shapes"

# How many shapes each group of the catalogue has, and what the group is about.
GROUPS: Mapping[str, tuple[int, str, str]] = {
    "A": (17, "哪些记录算数", "which records count"),
    "B": (4, "计量", "quantisation"),
    "C": (12, "积分标准", "rates"),
    "D": (8, "限额", "caps"),
    "E": (7, "评价", "evaluation"),
    "F": (5, "奖励与活动", "bonuses and campaigns"),
    "G": (10, "扣减与处理", "deductions and sanctions"),
    "H": (12, "账户", "accounts"),
    "I": (16, "兑换", "redemption"),
    "J": (21, "星级", "stars"),
    "K": (12, "礼遇", "perks"),
    "L": (8, "评选表彰", "commendation"),
    "M": (10, "治理", "governance"),
}
IDS = tuple(f"RS-{group}{number}" for group, (count, _, _) in GROUPS.items() for number in range(1, count + 1))

INFERRED = "inferred"
KEYS = ("shape", "zh", "en", "seen", "says", "county", "shows", "cases", "changes", "proved_by", "note")


@dataclass(frozen=True)
class Change:
    """A parameter changed: `old` stands once in the file; `refused` is the code where the county must not load."""

    file: str
    old: str
    new: str
    refused: str


@dataclass(frozen=True)
class Shape:
    """A rule shape: the county that says it, its cases, and what must not go unnoticed."""

    id: str
    zh: str
    en: str
    seen: tuple[str, ...]
    says: Mapping[str, str]
    county: str
    shows: tuple[str, ...]
    cases: str
    changes: tuple[Change, ...]
    proved_by: tuple[str, ...]
    note_zh: str
    note_en: str

    @property
    def path(self) -> str:
        return f"{PATH}/{self.id}.yaml"

    def case_names(self) -> tuple[str, ...]:
        """The names of its cases, in order."""
        if not self.cases:
            return ()
        node, problems = pyyaml.parse(self.cases.encode(), f"{self.path}/cases.yaml")
        assert isinstance(node, Items), (self.path, problems)
        named = [entry.get("name") or entry.get("案例") for entry in node.items if isinstance(entry, Entries)]
        return tuple(name.text for name in named if isinstance(name, Scalar))


def plain(node: Node) -> Any:
    """Return what a file says, all of it as text."""
    match node:
        case Scalar():
            return node.text
        case Items():
            return [plain(item) for item in node.items]
        case Entries():
            return {key.text: plain(item) for key, item in node.entries}


def _several(said: Any) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def _change(said: Mapping[str, str]) -> Change:
    return Change(said["in"], said["from"], said["to"], said.get("refused", ""))


@cache
def shape(id: str) -> Shape:
    """Return one shape from its file."""
    file = FOLDER / f"{id}.yaml"
    node, problems = pyyaml.parse(file.read_bytes(), file.name)
    assert node is not None, problems
    said: dict[str, Any] = plain(node)
    unknown = said.keys() - set(KEYS)
    assert not unknown, (file.name, unknown)
    assert said["shape"] == id, (file.name, said["shape"])
    says: dict[str, str] = said.get("says") or {}
    note: dict[str, str] = said.get("note") or {}
    return Shape(
        id=id,
        zh=said["zh"],
        en=said["en"],
        seen=_several(said["seen"]),
        says=says,
        county=said.get("county", ""),
        shows=_several(said.get("shows", next(iter(says), ()))),
        cases=said.get("cases", ""),
        changes=tuple(_change(one) for one in said.get("changes", ())),
        proved_by=_several(said.get("proved_by", ())),
        note_zh=note.get("zh", ""),
        note_en=note.get("en", ""),
    )


def written() -> tuple[str, ...]:
    """The ids that have a file, in the order of the catalogue; files of no shape come last."""
    names = {file.stem for file in FOLDER.glob("RS-*.yaml")}
    return (*(id for id in IDS if id in names), *sorted(names - set(IDS)))


def shapes() -> Iterator[Shape]:
    """Every shape that has a file, in the order of the catalogue."""
    return map(shape, written())
