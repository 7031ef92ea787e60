"""The triggers that refuse to change history, on whichever database."""

from __future__ import annotations

from sqlalchemy import Connection

from lianxing.engine.ledger import postgres_guards, sqlite


def put_in_place(connection: Connection) -> None:
    """Make every trigger; the tables are there and hold what they hold."""
    guards = sqlite.guards() if connection.dialect.name == "sqlite" else postgres_guards.guards()
    for statement in guards:
        connection.exec_driver_sql(statement)
