"""The key under which a command is asked: where nobody says one it is made and told, so that it can be asked again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from lianxing.plugins.cli.failing import UnfitRequestError

if TYPE_CHECKING:
    from lianxing.plugins.cli.speaking import Speaker
    from lianxing.rules.commands import Command


def key_of(said: str | None) -> str:
    """Return the key that was said, else a new one."""
    return uuid4().hex if said is None else said


@contextmanager
def asked_once(speaker: Speaker, command: Command, said: str | None, *, dry_run: bool) -> Iterator[None]:
    """Tell the key of a command that nobody has `said`, before it is asked: whoever gets no answer needs it.

    UnfitRequestError for what no bank can do, and where the key was used for something else.
    """
    from lianxing.engine.ledger.errors import InvalidError, KeyMismatchError

    if said is None and not dry_run:
        key, on = command.key, command.on
        speaker.aside(
            speaker.say(
                f"请求编号：{key}（再试时写 --key {key} --on {on}）",
                f"key: {key} (to ask again, say --key {key} --on {on})",
            )
        )
    try:
        yield
    except (InvalidError, KeyMismatchError) as error:
        raise UnfitRequestError(error.label.zh, error.label.en) from None
