"""What can go wrong with a ledger, each as a class to branch on and a plain sentence that names the place."""

from __future__ import annotations

from lianxing.rules.places import Label, Language

# What reading something leads to that no bank has written.
STUMBLES = (ArithmeticError, AssertionError, AttributeError, LookupError, StopIteration, TypeError, ValueError)


class LedgerError(Exception):
    """Something about a ledger that the person in front of it can understand.

    `place` is the database file, or `registry/record` where one booking is meant; `label` is the sentence.
    """

    def __init__(self, place: str, zh: str, en: str) -> None:
        self.place = place
        self.label = Label(zh=zh, en=en)
        super().__init__(f"{place}: {en}")

    def text(self, language: Language) -> str:
        """Return `place: sentence`."""
        return f"{self.place}{'：' if language == 'zh' else ': '}{self.label.text(language)}"


class AddressError(LedgerError):
    """The address names no database that can be opened: other scheme, a directory, a missing file, a wrong password."""


class NotALedgerError(LedgerError):
    """There is a file, but it is no database, or another program's."""


class NewerSchemaError(LedgerError):
    """The ledger was written by a newer version of this program."""


class OldSqliteError(LedgerError):
    """The SQLite library is too old, or refuses a setting on which durability rests."""


class UnfitServerError(LedgerError):
    """The database server is too old, or has a setting switched off on which durability rests."""


class ReadOnlyError(LedgerError):
    """The ledger cannot be written; reading may still work."""


class BusyError(LedgerError):
    """Others held a lock for too long, or the database chose this transaction to give way; nothing of it was kept.

    The only error that may simply be tried again.
    """


class FullError(LedgerError):
    """No room left; nothing of the transaction was kept."""


class DamagedError(LedgerError):
    """The database file is damaged; stop writing."""


class DamagedPassbookError(DamagedError):
    """What the ledger holds of one person was changed by hand; nothing of the transaction was kept. Others go on."""

    def __init__(self, volunteer: str, county: str, entry: str, meaning: Label) -> None:
        """`entry` is the one at which it shows, empty where none does; `meaning` is what does not hold."""
        self.volunteer = volunteer
        self.meaning = meaning
        at_zh, at_en = (f"（第 {entry} 号分录）", f" at entry {entry}") if entry else ("", "")
        super().__init__(
            f"{county}/{volunteer}" if county else volunteer,
            f"存折已损坏{at_zh}，不再成立的是：{meaning.zh}；请运行 lianxing verify",
            f"the passbook is damaged{at_en}; what does not hold any more: {meaning.en}; run lianxing verify",
        )


class UnreachableError(LedgerError):
    """The operating system would not read or write the file, or the server is not there.

    Nothing of the transaction was kept; what was committed before it stays.
    """


class InDoubtError(LedgerError):
    """The connection was lost at COMMIT: nobody here knows whether it was kept. Ask again, with the same key."""


class InvalidError(LedgerError):
    """A value that no ledger can hold; the same booking will never be accepted."""


class NotYetError(InvalidError):
    """It is to be done on a day that has not come yet."""


class RefusedError(LedgerError):
    """The database's own guards refused: a second original, an unbalanced entry, a change of history."""


class AlreadyBookedError(RefusedError):
    """The record has its original entry already."""


class ConflictError(BusyError):
    """Somebody else wrote to the same passbook meanwhile; nothing was kept, the transaction can begin again."""


class SoldOutError(RefusedError):
    """The stock of an offer does not reach."""


class KeyMismatchError(LedgerError):
    """The key of a command was used before, for something else; nothing was done."""
