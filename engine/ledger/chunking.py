"""Many values, in lists that fit into one question to a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

# Below the bound-variable limit of every SQLite and PostgreSQL driver.
IN_MAX = 500


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield the values in lists that fit into one IN."""
    remaining = iter(values)
    while chunk := list(islice(remaining, IN_MAX)):
        yield chunk
