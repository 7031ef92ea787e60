"""Why a passbook is closed, and after what it may be opened again."""

from __future__ import annotations

from enum import Enum


class ClosingEvent(Enum):
    """Why an account is closed."""

    DEATH = "death"
    MOVING = "moving"
    LEAVING = "leaving"


REOPENS = (ClosingEvent.MOVING,)  # where a county says nothing: who has moved away may move back
