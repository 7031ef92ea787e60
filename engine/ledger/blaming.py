"""Who is to blame where a program stumbles over what it has read: a passbook that somebody has changed, or the program.

What a ledger holds is believed when it is read: to prove it each time would cost more than to read it. Only where
something stumbles, the passbooks and people that were looked at are proven, as `verify` proves them. Where one of them
does not hold, that is what is said; else the error is the program's own and goes on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import NoResultFound, SQLAlchemyError

from lianxing.engine.ledger.batching import is_postgres
from lianxing.engine.ledger.chunking import chunks
from lianxing.engine.ledger.errors import STUMBLES, ConflictError, DamagedError, DamagedPassbookError, LedgerError
from lianxing.engine.ledger.reading import Reading


@contextmanager
def blaming(reading: Reading) -> Iterator[None]:
    """Turn what a damaged passbook leads to into a DamagedPassbookError that names it."""
    try:
        yield
    except DamagedPassbookError:
        raise
    except (*STUMBLES, NoResultFound, DamagedError, ConflictError) as error:
        if isinstance(error, ConflictError) and is_postgres(reading._connection):
            raise  # where a writer is alone nobody else can have been faster
        damaged = None
        with suppress(*STUMBLES, SQLAlchemyError, LedgerError):  # what cannot be proven is not blamed on anybody
            damaged = _damaged(reading)
        if damaged is None:
            raise
        raise damaged from error


def _damaged(reading: Reading) -> DamagedPassbookError | None:
    """Return the first damage in what was looked at."""
    from lianxing.engine.ledger.verifying import damage  # most programs never need it

    for passbooks, people in (
        *((chunk, []) for chunk in chunks(reading.passbooks_seen)),
        *(([], chunk) for chunk in chunks(reading.people_seen)),
    ):
        found = damage(reading._connection, passbooks, people)
        if found is not None:
            ids = dict(found.ids)
            whose = ids.get("volunteer", ids.get("passbook", ""))
            return DamagedPassbookError(whose, ids.get("county", ""), ids.get("entry", ""), found.label)
    return None
