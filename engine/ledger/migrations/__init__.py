"""The schema's history, run by `engine.ledger.migrating`; nobody needs an alembic.ini."""
