"""Loading plugins and asking them: by name order, each under its own name, with nothing loaded at import."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

import pluggy

from lianxing.plugins import counties, hooks
from lianxing.rules.facts import Fact
from lianxing.rules.known_facts import KNOWN_FACTS
from lianxing.rules.places import Label, Language

if TYPE_CHECKING:
    from lianxing.engine.layers import Shelf

ENTRY_POINTS = "lianxing"

log = logging.getLogger("lianxing.plugins")


class PluginError(Exception):
    """A plugin that cannot be used, by name, with the reason in a sentence."""

    def __init__(self, plugin: str, zh: str, en: str) -> None:
        self.plugin = plugin
        self.label = Label(f"插件 {plugin}：{' '.join(zh.split())}", f"plugin {plugin}: {' '.join(en.split())}")
        super().__init__(self.label.en)

    def text(self, language: Language) -> str:
        return self.label.text(language)


def failed(plugin: str, hook: str, error: Exception) -> PluginError:
    """Return whose fault it is; the error's text may hold a person's data, and is not told."""
    kind = type(error).__name__
    return PluginError(plugin, f"{hook} 出错：{kind}", f"{hook} failed: {kind}")


def gives(plugin: str, hook: str, given: object, wanted: str) -> PluginError:
    """Return that a hook gave something else than it is asked for."""
    kind = type(given).__name__
    return PluginError(plugin, f"{hook} 给的是 {kind}，应为 {wanted.split()[-1]}", f"{hook} gives {kind}, not {wanted}")


class Host:
    """The plugins of one run of the program."""

    def __init__(self, *, installed: bool = True) -> None:
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)
        self.register(counties, "counties")
        if installed:
            for point in entry_points(group=ENTRY_POINTS):
                if not self._manager.has_plugin(point.name):
                    self._load(point)
            self._refuse_unknown_hooks()

    def _load(self, point: EntryPoint) -> None:
        try:
            plugin = point.load()
        except Exception as error:  # it may fail in any way while it is imported; the text may be anybody's data
            raise PluginError(
                point.name, f"不能载入：{type(error).__name__}", f"cannot be loaded: {type(error).__name__}"
            ) from error
        try:
            self._manager.register(plugin, point.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(point.name, f"钩子写得不对：{error}", str(error)) from error

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin; a hook that does not exist, or an argument that it does not have, is an error that says so."""
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(name, f"钩子写得不对：{error}", str(error)) from error
        self._refuse_unknown_hooks()

    def _refuse_unknown_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            name = self._manager.get_name(error.plugin) or "?"
            raise PluginError(name, f"钩子写得不对：{error}", str(error)) from error

    @property
    def names(self) -> list[str]:
        """The names of the plugins, in the order in which they are asked."""
        return sorted(name for name, _plugin in self._manager.list_name_plugin())

    def implementations(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """Return who implements a hook, by name, each as a call that takes all of the hook's arguments by keyword."""
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        found = sorted(caller.get_hookimpls(), key=lambda implementation: implementation.plugin_name)
        return [(one.plugin_name, _taking_what_it_names(one)) for one in found]

    def ask(self, hook: str, **arguments: object) -> Iterator[tuple[str, Any]]:
        """Yield each plugin's name and answer, None left out; a plugin that fails is an error that names it."""
        for name, call in self.implementations(hook):
            try:
                answer = call(**arguments)
            except Exception as error:  # a plugin may fail in any way; whose fault it is must be said
                raise failed(name, hook, error) from error
            if answer is not None:
                yield name, answer

    def tell(self, hook: str, **arguments: object) -> None:
        """Tell every plugin what happened; a failure is logged under its name and changes nothing."""
        for name, call in self.implementations(hook):
            try:
                call(**arguments)
            except Exception as error:  # told after the commit: nothing may be undone
                # The arguments may be personal data, and so may the error's text: neither is logged.
                log.warning("plugin %s: %s failed: %s", name, hook, type(error).__name__)

    def shelf(self) -> Shelf:
        """Return where counties are found."""
        from lianxing.engine.layers import Shelf  # where it is first needed: help answers without the engine

        return Shelf(tuple((name, root) for name, root in self._each("register_policies", Traversable)))

    def words(self) -> tuple[Fact, ...]:
        """Return the words that plugins add; the same word twice is an error that names both."""
        owners = {fact.name: "lianxing" for fact in KNOWN_FACTS}
        words: list[Fact] = []
        for name, fact in self._each("register_facts", Fact):
            if fact.name in owners:
                raise PluginError(
                    name,
                    f"事实“{fact.name}”已由 {owners[fact.name]} 登记",
                    f"the fact '{fact.name}' is already registered by {owners[fact.name]}",
                )
            owners[fact.name] = name
            words.append(fact)
        return tuple(words)

    def _each(self, hook: str, kind: type) -> Iterator[tuple[str, Any]]:
        """Yield each thing that plugins contribute, checked; whoever contributes something else is named."""
        for name, answer in self.ask(hook):
            try:
                contributed = list(answer)
            except Exception as error:  # a generator may fail in any way while it is read
                raise failed(name, hook, error) from error
            for one in contributed:
                if not isinstance(one, kind):
                    raise gives(name, hook, one, kind.__name__)
                yield name, one


def _taking_what_it_names(implementation: pluggy.HookImpl) -> Callable[..., Any]:
    wanted = implementation.argnames

    def call(**arguments: object) -> Any:
        return implementation.function(*(arguments[name] for name in wanted))

    return call
