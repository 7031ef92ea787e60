"""Bringing a database to the schema of this program, in one transaction, by Alembic.

Alembic is imported only when there is something to migrate: an up-to-date ledger opens without it.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from lianxing.engine.ledger.errors import NewerSchemaError

# Every schema that a released version wrote, oldest first; a test compares it with the migrations.
SCHEMA_VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006")


def is_newest(connection: Connection) -> bool:
    """Say whether nothing is left to migrate, without taking the write lock."""
    return schema_of(connection) == SCHEMA_VERSIONS[-1]


def migrate(connection: Connection, place: str) -> None:
    """Bring the database to the newest schema inside the transaction that `connection` holds for writing.

    NewerSchemaError for a schema that this program does not know.
    """
    found = schema_of(connection)
    if found == SCHEMA_VERSIONS[-1]:
        return
    if found is not None and found not in SCHEMA_VERSIONS:
        raise NewerSchemaError(
            place,
            f"台账的结构版本 {found} 比本程序（{SCHEMA_VERSIONS[-1]}）新，请升级程序",
            f"the ledger has schema {found}, newer than this program's {SCHEMA_VERSIONS[-1]}; upgrade the program",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    # By package name: a checkout is reached through a link, and a '%' in a path would be taken for interpolation.
    config.set_main_option("script_location", "lianxing.engine.ledger:migrations")
    config.attributes["connection"] = connection
    config.attributes["fresh"] = found is None
    command.upgrade(config, "head")


def schema_of(connection: Connection) -> str | None:
    """Return the schema version that the database carries, None where there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return version
