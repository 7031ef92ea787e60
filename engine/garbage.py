"""The collector of garbage in cycles goes through all objects again and again; most of them here stay.

What a batch makes is kept until the batch is written, and what a program has set up before it serves people stays as
long as it does: looking through either finds nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class _Serving:
    """How many in this program serve people."""

    def __init__(self) -> None:
        self.count = 0
        self.changing = Lock()


_SERVING = _Serving()


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


def set_up() -> None:
    """Let what there is now be left out when the collector looks: the rules of a county are some 100,000 objects.

    Without this whoever is served at the wrong moment waits 60 ms for it.
    """
    with _SERVING.changing:
        _SERVING.count += 1
        gc.freeze()


def taken_down() -> None:
    """Let the collector look through everything again, once nobody here serves people any more."""
    with _SERVING.changing:
        _SERVING.count -= 1
        if not _SERVING.count:
            gc.unfreeze()


def _look() -> None:
    gc.collect()
