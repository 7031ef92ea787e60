"""What Alembic runs: the migrations, on the connection and in the transaction that `migrating` holds."""

from alembic import context

# transactional_ddl: Alembic believes that SQLite's DDL is not; with our BEGIN it is (see `sqlite`).
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
