"""An index by which SQLite finds the lots of an entry: without it, it looked through all lots of the passbook."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE INDEX IF NOT EXISTS lot_of_entry ON lot (passbook, entry)")


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")
