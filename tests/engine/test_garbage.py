"""What a batch makes is kept until the batch is done; the collector of garbage looks between two of them."""

from __future__ import annotations

import gc

import pytest

from lianxing.engine.garbage import collection_waits


def test_the_collector_waits_and_looks_when_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: looked.append("looked"))
    with collection_waits() as look:
        assert not gc.isenabled()
        look()
    assert gc.isenabled()
    assert looked == ["looked"]


def test_it_goes_on_as_before_where_a_batch_fails() -> None:
    with pytest.raises(ValueError, match="no batch"), collection_waits():
        raise ValueError("no batch")
    assert gc.isenabled()


def test_who_has_put_it_off_decides_when_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: looked.append("looked"))
    with collection_waits():
        with collection_waits() as look:
            look()
        assert not gc.isenabled()
    assert looked == []
