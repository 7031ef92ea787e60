"""What a batch makes is kept until the batch is written: looking through it for garbage meanwhile finds nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def collection_waits() -> Iterator[Callable[[], None]]:
    """Put off looking for garbage in cycles; what nobody holds any more goes at once as ever.

    A batch of records is some hundred thousand objects that live until its end, and the collector goes through all of
    them again and again: a quarter of the time of a batch. What is given is to be called between two batches: it looks
    then.
    """
    if not gc.isenabled():  # whoever has put it off already lets it go on
        yield lambda: None
        return
    gc.disable()
    try:
        yield _look
    finally:
        gc.enable()


def _look() -> None:
    gc.collect()
