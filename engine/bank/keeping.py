"""A policy is kept with the ledger before anything is written under it: every number can be explained for ever."""

from __future__ import annotations

import orjson

from lianxing.engine.explaining import kept_of
from lianxing.engine.ledger.writing import Writing
from lianxing.rules.policy import Policy


def keep_policy(writing: Writing, policy: Policy) -> None:
    """Keep what explanations need of a policy; where it is kept already, nothing happens."""
    if writing.keeps_policy(policy.digest):
        return
    writing.save_policy(policy.digest, policy.county.id, title_of(policy), content_of(policy))


def title_of(policy: Policy) -> str:
    """Return the title under which a policy is kept."""
    return policy.county.label.zh or policy.county.label.en


def content_of(policy: Policy) -> bytes:
    """Return what is kept of a policy."""
    return orjson.dumps(kept_of(policy), option=orjson.OPT_SORT_KEYS)
