"""Names that the bank keeps for itself, however they are written."""

from __future__ import annotations

import unicodedata


def plain(name: str) -> str:
    """Return a name without what a reader does not tell apart: case, width, space around it.

    >>> plain(" ＭＥＮＵ"), plain("Pool／chest")
    ('menu', 'pool/chest')
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
