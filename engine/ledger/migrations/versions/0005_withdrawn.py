"""An index by which a record is found in passbooks where it was taken back, or from which it was moved."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(  # where 0002 has made all tables, it is there
        "CREATE INDEX IF NOT EXISTS service_record_withdrawn ON service_record (record, registry) "
        "WHERE content_hash = ''"
    )


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")
