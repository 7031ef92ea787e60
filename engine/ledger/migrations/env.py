"""What Alembic runs: the migrations, on the connection and in the transaction that `migrating` holds."""

from alembic import context

# transactional_ddl: Alembic believes that SQLite's DDL is not; with our BEGIN it is (see `sqlite`).
attributes = context.config.attributes
context.configure(connection=attributes["connection"], transactional_ddl=True, fresh=attributes["fresh"])
context.run_migrations()
