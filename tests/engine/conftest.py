"""Tests of the durable matcher exist where durable-rules does."""

from __future__ import annotations

from lianxing.engine.durable import available

collect_ignore = [] if available() else ["test_durable.py"]
