"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# A change is judged by the same examples every time; the long mode looks for new ones.
settings.register_profile("alike", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)
settings.load_profile("searching" if os.environ.get("LIANXING_LONG") else "alike")
