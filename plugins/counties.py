"""The counties that come with the program, contributed through the same hook as anybody's."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable

from lianxing.plugins.hooks import hookimpl


@hookimpl
def register_policies() -> Iterable[Traversable]:
    return (files("lianxing") / "policies",)
