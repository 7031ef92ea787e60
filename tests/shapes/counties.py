"""A shape's county on disk, loaded and proved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lianxing.engine.cases import CaseResult
from lianxing.engine.compiling import load_policy
from lianxing.engine.coverage import Coverage, prove
from lianxing.engine.layers import Shelf
from lianxing.engine.matchers import Preference, matcher_factory
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.mappings import read_mapping
from lianxing.engine.rulebook import Rulebook
from lianxing.rules.cases import Case
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError, Problem
from tests.shapes.table import Change, Shape

NAME = "town"
MAPPING = "mapping.yaml"

# What every county needs, in either script; what the shape says itself is not said twice.
NEEDED = {
    "en": {
        "county": "county: %s",
        "title": "title: {zh: 小镇, en: a town}",
        "in_force": "in_force: {from: 2000-01-01}",
        "time_zone": "time_zone: Asia/Shanghai",
    },
    "zh": {
        "县区": "县区: %s",
        "标题": "标题: {中文: 小镇, 英文: a town}",
        "施行": "施行: {自: 2000-01-01}",
        "时区": "时区: Asia/Shanghai",
    },
}
BASED_ON = {"en": "based_on: %s", "zh": "上级: %s"}


def county_file(said: str, name: str, below: str) -> str:
    """Return a county.yaml: what is said, and what every county needs besides."""
    keys = re.findall(r"^(\w+):", said, flags=re.MULTILINE)
    script = "zh" if any(key > "\u4e00" for key in keys) else "en"
    lines = [line % name if "%s" in line else line for key, line in NEEDED[script].items() if key not in keys]
    return "\n".join([*lines, *([BASED_ON[script] % below] if below else []), said])


@dataclass(frozen=True)
class OnDisk:
    """The files of a shape's county below a root, layer in layer."""

    shape: Shape
    root: Path
    id: str

    def put(self, file: str, text: str) -> None:
        """Write a chapter; one of a layer below is named by its path."""
        layer, _, name = file.rpartition("/")
        place = self.root / (name if name == MAPPING else f"{layer or self.id}/{name}")
        place.write_text(text, "utf-8")

    def results(self, matcher: Preference = "plain") -> tuple[CaseResult, ...]:
        """Load the county and run its cases; PolicyError where anything of it is wrong."""
        return self.proved(matcher)[0]

    def proved(self, matcher: Preference) -> tuple[tuple[CaseResult, ...], Coverage]:
        """Load the county and run its cases, with the boundaries that they leave open."""
        policy, cases = self.loaded()
        with Rulebook(policy, matcher_factory(matcher)) as rulebook:
            rulebook.warm()
            return prove(rulebook, cases)

    def loaded(self) -> tuple[Policy, tuple[Case, ...]]:
        """Load the county and read its cases; PolicyError where anything of it is wrong."""
        shelf = Shelf((("shapes", self.root),))
        folder = shelf.folder(self.id)
        assert folder is not None
        policy = load_policy(folder, shelf)
        mapping = self.root / MAPPING  # a mapping file belongs to a registry, not to the county
        if mapping.is_file():
            read_mapping(mapping.read_bytes(), MAPPING, dict(policy.facts))
        problems: list[Problem] = []
        cases = read_cases(folder, policy, problems) if self.shape.cases else ()
        if problems:
            raise PolicyError(problems)
        return policy, cases

    def changed(self, change: Change) -> tuple[CaseResult, ...]:
        """Run the cases with one parameter changed, and put back what was there."""
        text = self.text(change.file)
        assert text.count(change.old) == 1, f"{self.shape.id}: '{change.old}' stands {text.count(change.old)} times"
        self.put(change.file, text.replace(change.old, change.new))
        try:
            return self.results()
        finally:
            self.put(change.file, text)

    def text(self, file: str) -> str:
        return self.shape.says[file] if file != "county.yaml" else county_text(self.shape, self.id)


def county_text(shape: Shape, id: str) -> str:
    return county_file(shape.county, NAME, id.rpartition("/")[0])


def on_disk(shape: Shape, root: Path) -> OnDisk:
    """Write a shape's county below `root`: the layers that it names, one in the other, and the town below them."""
    layers = sorted({file.rpartition("/")[0] for file in shape.says if "/" in file}, key=len)
    id = f"{layers[-1]}/{NAME}" if layers else NAME
    below = ""
    for layer in (*layers, id):
        folder = root / layer
        folder.mkdir(parents=True)
        said = shape.county if layer == id else ""
        name = layer.rpartition("/")[2]
        if f"{layer}/county.yaml" not in shape.says:
            (folder / "county.yaml").write_text(county_file(said, name, below), "utf-8")
        below = layer
    county = OnDisk(shape, root, id)
    for file, text in shape.says.items():
        county.put(file, text)
    if shape.cases:
        county.put("cases.yaml", shape.cases)
    return county
