"""A child that is killed while it serves a command: killed.py COUNTY ADDRESS COMMAND before|after

`before` its commit, or `after` it and before anybody was answered. COMMAND is a file with the pickled command.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from lianxing.engine.bank.tellers import Teller
from lianxing.engine.ledger.opening import open_ledger
from tests.engine.bank.counting_house import rules


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    county, address, command, when = sys.argv[1:]
    with rules(Path(county)) as rulebook, open_ledger(address) as ledger:
        if when == "before":
            event.listen(Engine, "commit", die)
        Teller(ledger, rulebook).serve(pickle.loads(Path(command).read_bytes()))
        die()
