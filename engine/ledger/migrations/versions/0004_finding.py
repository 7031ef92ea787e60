"""Indexes by which work lists and dossiers find whom they are about without looking through a county."""

from alembic import op

from lianxing.engine.ledger import finding

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    bind = op.get_bind()
    for statement in finding.statements(bind.dialect.name):
        bind.exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("history is not taken back; restore a backup")
