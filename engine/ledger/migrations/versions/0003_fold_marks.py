"""Marks from which a late record goes on, and an index by which SQLite finds the lots of an entry.

Without the index it looked through all lots of the passbook, whenever an entry was written.
"""

from alembic import op

from lianxing.engine.ledger.tables import fold_mark

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    bind = op.get_bind()
    fold_mark.create(bind, checkfirst=True)  # where 0002 has made all tables, it is there
    if bind.dialect.name == "sqlite":
        op.execute("CREATE INDEX IF NOT EXISTS lot_of_entry ON lot (passbook, entry)")


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")
