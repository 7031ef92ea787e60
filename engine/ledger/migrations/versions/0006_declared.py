"""An index by which the families that people have declared are found: whose member somebody is, others have said."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(  # where 0002 has made all tables, it is there
        "CREATE INDEX IF NOT EXISTS entry_declared ON entry (passbook, number) WHERE kind = 'declared'"
    )


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")
