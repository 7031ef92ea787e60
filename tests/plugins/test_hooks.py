"""Plugins: who may say what, in which order, and whose fault it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import lianxing
from lianxing import Fact, FactType, Label, Scope, ServiceRecord, hookimpl
from lianxing.plugins.hooks import HOOKS
from lianxing.plugins.host import Host, PluginError
from lianxing.rules.facts import FactValue
from lianxing.rules.problems import PolicyError

COUNTY = """\
county: here
title: {zh: 此地, en: here}
in_force: {from: 2020-01-01}
time_zone: Asia/Shanghai
"""


def folder_with_county(root: Path) -> Path:
    (root / "here").mkdir(parents=True)
    (root / "here" / "county.yaml").write_text(COUNTY, "utf-8")
    return root


class Counties:
    def __init__(self, root: Path) -> None:
        self.root = root

    @hookimpl
    def register_policies(self) -> Iterable[Traversable]:
        return [self.root]


class Words:
    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def register_facts(self) -> list[Fact]:
        return [Fact(self.name, "", FactType.WHOLE, Scope.RECORD, Label("", "a word"))]


def test_a_misspelt_hook_is_an_error_at_start_that_names_the_plugin() -> None:
    class Misspelt:
        @hookimpl
        def fetch_record(self, county: str) -> None: ...

    with pytest.raises(PluginError, match=r"misspelt.*fetch_record") as raised:
        Host(installed=False).register(Misspelt(), "misspelt")
    assert raised.value.text("zh").startswith("插件 misspelt：钩子写得不对：")


def test_an_argument_that_a_hook_does_not_have_is_an_error_that_names_the_plugin() -> None:
    class Wrong:
        @hookimpl
        def review_record(self, record: ServiceRecord, mood: str) -> None: ...

    with pytest.raises(PluginError, match=r"wrong.*mood"):
        Host(installed=False).register(Wrong(), "wrong")


def test_a_plugin_names_only_the_arguments_it_wants() -> None:
    class Modest:
        @hookimpl
        def fetch_records(self, county: str) -> list[str]:
            return [county]

    host = Host(installed=False)
    host.register(Modest(), "modest")
    assert [answer for _, answer in host.ask("fetch_records", county="here", since=None)] == [["here"]]


def test_answers_come_in_the_order_of_the_names_not_of_the_installation() -> None:
    host = Host(installed=False)
    for name in ("zebra", "ant", "mole"):
        host.register(Words(name), name)
    assert [name for name, _ in host.ask("register_facts")] == ["ant", "mole", "zebra"]
    assert [fact.name for fact in host.words()] == ["ant", "mole", "zebra"]


def test_the_same_word_twice_is_an_error_that_names_both() -> None:
    host = Host(installed=False)
    host.register(Words("shared"), "first")
    host.register(Words("shared"), "second")
    with pytest.raises(PluginError, match=r"second.*'shared'.*first"):
        host.words()


def test_a_word_of_the_language_cannot_be_registered_again() -> None:
    host = Host(installed=False)
    host.register(Words("category"), "greedy")
    with pytest.raises(PluginError, match=r"greedy.*'category'.*lianxing"):
        host.words()


def test_the_same_county_twice_is_an_error_that_names_both(tmp_path: Path) -> None:
    host = Host(installed=False)
    host.register(Counties(folder_with_county(tmp_path / "a")), "east")
    host.register(Counties(folder_with_county(tmp_path / "b")), "west")
    with pytest.raises(PolicyError, match=r"P208.*'here'.*east.*west"):
        host.shelf().folder("here")


def test_a_plugin_that_fails_when_asked_is_named() -> None:
    class Failing:
        @hookimpl
        def register_facts(self) -> list[Fact]:
            raise KeyError("no personal data leaves through here")

    host = Host(installed=False)
    host.register(Failing(), "failing")
    with pytest.raises(PluginError, match=r"^plugin failing: register_facts failed: KeyError$"):
        host.words()


@pytest.mark.parametrize(
    ("text", "kind"),
    [("raise ValueError('secret of V1')", "ValueError"), ("import no_such_thing", "ModuleNotFoundError")],
)
def test_an_installed_plugin_that_cannot_be_imported_is_named_and_its_words_are_not_repeated(
    text: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "broken-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0.1\n", "utf-8")
    (about / "entry_points.txt").write_text("[lianxing]\nbroken-shop = broken_shop_of_a_test\n", "utf-8")
    (tmp_path / "broken_shop_of_a_test.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError, match=rf"^plugin broken-shop: cannot be loaded: {kind}$"):
        Host()


def test_whatever_a_hook_takes_and_gives_comes_from_lianxing() -> None:
    def shapes(hint: Any) -> set[type]:
        inner = {one for part in get_args(hint) for one in shapes(part)}
        return inner | ({hint} if isinstance(hint, type) and hint.__module__.startswith("lianxing.") else set())

    named = {shape for hook in HOOKS for hint in get_type_hints(hook).values() for shape in shapes(hint)}
    assert {"Receipt", "Redemption", "ServiceRecord", "Withdrawn"} <= {shape.__name__ for shape in named}
    assert [shape for shape in named if getattr(lianxing, shape.__name__, None) is not shape] == []
    assert [name for name in lianxing.__all__ if not hasattr(lianxing, name)] == []


def test_a_failure_when_told_is_logged_under_the_plugins_name_without_what_it_was_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Clumsy:
        @hookimpl
        def star_reached(self, standing: Any, star_before: int) -> None:
            raise RuntimeError(f"volunteer {standing}")

    heard: list[int] = []

    class Attentive:
        @hookimpl
        def star_reached(self, star_before: int) -> None:
            heard.append(star_before)

    host = Host(installed=False)
    host.register(Clumsy(), "clumsy")
    host.register(Attentive(), "listener")
    with caplog.at_level(logging.WARNING):
        host.tell("star_reached", standing="张三", star_before=2)
    assert heard == [2]
    assert "clumsy" in caplog.text
    assert "张三" not in caplog.text


def test_supplied_facts_are_a_mapping_from_registered_words() -> None:
    class Weather:
        @hookimpl
        def supply_facts(self, record: ServiceRecord) -> Mapping[str, FactValue]:
            return {"rain": 1}

    host = Host(installed=False)
    host.register(Weather(), "weather")
    assert list(host.ask("supply_facts", record=None)) == [("weather", {"rain": 1})]
