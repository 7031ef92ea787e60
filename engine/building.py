"""How the package that runs was built: from its sources alone, or with its busiest modules compiled."""

from __future__ import annotations

from importlib.util import find_spec


def is_compiled() -> bool:
    """Tell whether the engine's busiest modules are compiled, as hatch_build.py does where it is asked to."""
    found = find_spec("lianxing.engine.counting")
    return found is not None and not str(found.origin).endswith(".py")
