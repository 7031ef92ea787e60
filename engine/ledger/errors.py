"""What can go wrong with a ledger, each as a class to branch on and a plain sentence that names the place."""

from __future__ import annotations

from lianxing.rules.places import Label, Language


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
        return f"{self.place}: {self.label.text(language)}"


class AddressError(LedgerError):
    """The address names no database that can be opened: other scheme, a directory, a missing folder or file."""


class NotALedgerError(LedgerError):
    """There is a file, but it is no database, or another program's."""


class NewerSchemaError(LedgerError):
    """The ledger was written by a newer version of this program."""


class OldSqliteError(LedgerError):
    """The SQLite library is too old, or refuses a setting on which durability rests."""


class ReadOnlyError(LedgerError):
    """The ledger cannot be written; reading may still work."""


class BusyError(LedgerError):
    """Another process held the write lock for too long. The only error that may simply be tried again."""


class FullError(LedgerError):
    """No room left; nothing of the transaction was kept."""


class DamagedError(LedgerError):
    """The database file is damaged; stop writing."""


class UnreachableError(LedgerError):
    """The operating system would not read or write the file."""


class InvalidError(LedgerError):
    """A value that no ledger can hold; the same booking will never be accepted."""


class RefusedError(LedgerError):
    """The database's own guards refused: a second original, an unbalanced entry, a change of history."""


class AlreadyBookedError(RefusedError):
    """The record has its original entry already."""
