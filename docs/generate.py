"""Write the tables that are made from the code: facts, problems, hooks, commands, and the JSON Schemas of the chapters.

    python docs/generate.py          (or: make docs)

A test fails when a page is older than the code.
"""

from __future__ import annotations

import html
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lianxing.engine.reading.county import FACT_SCOPES
from lianxing.engine.reading.decision_cases import OUTCOMES
from lianxing.engine.reading.decision_cases import REASONS as REASONS_OF_STARS
from lianxing.engine.reading.review import NO_DEFAULT
from lianxing.engine.reading.review_cases import DOINGS, NOT_ALLOWED
from lianxing.engine.reading.stars import AWARD_WORDS
from lianxing.engine.reading.vocabulary import KEY_OF, KEYS, WORDS
from lianxing.engine.schema import schemas
from lianxing.plugins import hooks
from lianxing.plugins.cli.main import COMMANDS, EXIT_CODES, Program
from lianxing.plugins.cli.speaking import Say
from lianxing.plugins.registries.reasons import INTAKE_REASONS, REASONS
from lianxing.rules.known_facts import KNOWN_FACTS
from lianxing.rules.problems import PROBLEMS
from lianxing.rules.quantities import UNITS

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))  # the tests are installed nowhere

from tests.shapes.table import GROUPS, INFERRED, Shape, shapes  # noqa: E402

MADE = "<!-- made by docs/generate.py from the code; edit the code, then run `make docs` -->"


def pages() -> dict[str, str]:
    """Every generated page below docs/, by its path."""
    made = {
        "facts.md": _page("Facts: the words of a condition", _facts()),
        "problems.md": _page("Problems of a policy", _problems()),
        "set-aside.md": _page("Why a row is set aside", _reasons()),
        "hooks.md": _page("Hooks", _hooks()),
        "commands.md": _page("Commands", _commands()),
        "keys.md": _page("Keys in both scripts", _keys()),
        "words.md": _page("Words that stand as values, in both scripts", _words()),
        "rule-shapes.md": _page("Rule shapes: how a county says each of them", _shapes()),
    }
    for name, schema in schemas().items():
        text = json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True)
        made[f"schema/{name.removesuffix('.yaml')}.json"] = text + "\n"
    return made


def _page(title: str, lines: Iterator[str]) -> str:
    return "\n".join([MADE, "", f"# {title}", "", *lines]).rstrip() + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _row(*cells: str) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _table(*headings: str) -> Iterator[str]:
    yield _row(*headings)
    yield "|" + " --- |" * len(headings)


def _facts() -> Iterator[str]:
    yield "A condition asks facts by either spelling. A fact that a registry does not know is missing, never zero."
    yield "Counties add words in `county.yaml`, plugins through `register_facts`; measures are words too."
    yield ""
    yield from _table("fact", "中文", "type", "of", "meaning", "含义")
    for fact in KNOWN_FACTS:
        yield _row(f"`{fact.name}`", fact.zh, fact.type.value, fact.scope.value, fact.meaning.en, fact.meaning.zh)
    yield ""
    yield "## Known values"
    yield ""
    yield from _table("fact", "value", "中文", "English")
    for fact in KNOWN_FACTS:
        for value in fact.values:
            yield _row(f"`{fact.name}`", f"`{value.id}`", value.label.zh, value.label.en)
    yield ""
    yield "## Units"
    yield ""
    yield from _table("measures", "spellings", "held as")
    held = {"duration": "seconds", "points": "hundredths", "money": "hundredths of a yuan", "ratio": "exact share"}
    for unit in UNITS:
        yield _row(unit.type.value, ", ".join(unit.spellings), held.get(unit.type.value, unit.type.value))


def _problems() -> Iterator[str]:
    yield "Every problem is told as `path:line:column: CODE message (did you mean ...)`, all at once, in file order."
    yield "P0 is about the file, P1 about a value, P2 about statements and layers, P3 about meaning, P4 about what no"
    yield "matcher can evaluate, P5 about cases. A code is never used for anything else."
    yield ""
    yield from _table("code", "English", "中文")
    for code, kind in sorted(PROBLEMS.items()):
        yield _row(code, kind.en, kind.zh)


def _reasons() -> Iterator[str]:
    yield "A row of an export that cannot go in is written to the set-aside file with its number, column and reason;"
    yield "the rest goes in. Mend the row at its source and import again: what is booked already does not change."
    yield ""
    yield from _table("reason", "English", "中文")
    for code, (zh, en) in sorted((REASONS | INTAKE_REASONS).items()):
        yield _row(f"`{code}`", en, zh)


def _hooks() -> Iterator[str]:
    yield from inspect.cleandoc(hooks.__doc__ or "").splitlines()
    yield ""
    yield "A plugin is a module with functions of these names, marked `@lianxing.hookimpl`, under an entry point of the"
    yield "group `lianxing`. docs/write-a-registry.md shows one; a misspelt hook is an error at start."
    for hook in hooks.HOOKS:
        yield ""
        signature = str(inspect.signature(hook)).replace("'", "")
        yield f"## `{hook.__name__}{signature}`"
        yield ""
        yield from inspect.cleandoc(hook.__doc__ or "").splitlines()


def _commands() -> Iterator[str]:
    program = Program(Say("en"))
    context = click.Context(program, info_name="lianxing")
    yield "Every command takes `--json` (one JSON document for programs) and `--lang zh|en` (else the terminal's)."
    yield "Progress is shown on a terminal and never in a pipe."
    yield ""
    yield from _table("exit code", "English", "中文")
    for code, zh, en in EXIT_CODES:
        yield _row(str(code), en, zh)
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        yield from _command(f"lianxing {name}", command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    inner = click.Context(command, info_name=name, terminal_width=100)
    yield ""
    yield f"## `{name}`"
    yield ""
    yield "```text"
    yield from command.get_help(inner).splitlines()
    yield "```"
    if isinstance(command, click.Group):
        for part in command.list_commands(inner):
            within = command.get_command(inner, part)
            assert within is not None
            yield from _command(f"{name} {part}", within)


def _keys() -> Iterator[str]:
    yield "A file uses one spelling throughout; words that stand as values, and names that a county gives, are free."
    yield ""
    yield from _table("English", "中文")
    for english, chinese in KEYS.items():
        yield _row(f"`{english}`", f"`{chinese}`")


def _words() -> Iterator[str]:
    yield "What may stand behind which key, by chapter; a word may be in either script, whatever its file's keys are."
    yield "An answer is `yes` or `no`, `是` or `否`. The values of facts stand in [facts.md](facts.md)."
    yield ""
    yield from _table("English", "中文", "behind the key", "in")
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, schema in schemas().items():
        for key, words in _offered(schema, ""):
            for word, chinese in _both_scripts(words):
                chapters = found.setdefault((word, chinese, key), [])
                chapters += [name] if name not in chapters else []
    for (word, chinese, key), chapters in sorted(found.items()):
        behind = f"`{key}` / `{KEYS.get(key, key)}`" if key else ""
        yield _row(f"`{word}`", f"`{chinese}`", behind, ", ".join(chapters))


def _offered(schema: Any, key: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every choice of words in a schema, with the key behind which it stands, in English."""
    if isinstance(schema, list):
        for part in schema:
            yield from _offered(part, key)
    elif isinstance(schema, dict):
        if "enum" in schema:
            yield key, schema["enum"]
        for name, part in schema.items():
            if name == "properties":
                for word, inner in part.items():
                    yield from _offered(inner, KEY_OF.get(word, word))
            elif name != "enum":
                yield from _offered(part, key)


_SPELLINGS = (WORDS, AWARD_WORDS, OUTCOMES, REASONS_OF_STARS, FACT_SCOPES, NO_DEFAULT, DOINGS, NOT_ALLOWED)


def _both_scripts(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the words of a choice in English, each with the Chinese spelling that the choice has for it."""
    for word in words:
        spelled = [spellings[word] for spellings in _SPELLINGS if spellings.get(word, "") in words]
        if spelled and word != spelled[0]:
            yield word, spelled[0]


def _shapes() -> Iterator[str]:
    yield "Every shape that a regulation was seen to have, as the chapters of a small county say it. Each row is a file"
    yield "of `tests/shapes/`: it is compiled, its cases pass on both matchers and ask both sides of every boundary;"
    yield "each number, and each word that the shape is about, makes a case fail once it is changed."
    yield "Lines in italics name the chapter; a folder before the chapter is a layer below it."
    group = ""
    for shape in shapes():
        if shape.id[3] != group:
            group = shape.id[3]
            _, zh, en = GROUPS[group]
            yield ""
            yield f"## {group} {zh} / {en}"
            yield ""
            yield from _table("shape", "name", "YAML", "proof")
        said = "<br>".join(line for file in shape.shows for line in _shown(file, shape))
        yield _row(shape.id, "<br>".join(_named(shape)), said, "<br>".join(_proved(shape)))


def _named(shape: Shape) -> Iterator[str]:
    yield f"{shape.zh} / {shape.en}"
    if shape.note_zh:
        yield f"{shape.note_zh} / {shape.note_en}"
    seen = [name for name in shape.seen if name != INFERRED]
    yield f"({', '.join(seen)})" if seen else "(\\*)"


def _shown(file: str, shape: Shape) -> Iterator[str]:
    text = shape.says.get(file, shape.county)
    yield f"*{file}*"
    for line in text.rstrip().splitlines():
        indent = len(line) - len(line.lstrip())
        yield "&nbsp;" * indent + (f"`{line.strip()}`" if line.strip() else "")


def _proved(shape: Shape) -> Iterator[str]:
    file = f"[{shape.id}.yaml](../{shape.path})"
    yield from (html.escape(name, quote=False) for name in shape.case_names())
    refused = sorted({change.refused for change in shape.changes if change.refused})
    if refused:
        yield "refused otherwise: " + ", ".join(f"[{code}](problems.md)" for code in refused)
    for proof in shape.proved_by:
        path, _, name = proof.partition("::")
        yield f"[{name}](../{path})"
    yield file


def main() -> None:
    for name, text in pages().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
