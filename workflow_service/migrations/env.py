"""Alembic's environment: one owner connection, the tables of `workflow_service.models`."""

from typing import Any, Literal

from alembic import context

from workflow_service.db import make_engine
from workflow_service.models import Base
from workflow_service.models.columns import JsonText


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Migrations name plain column types, so that they stand still when ours change."""
    return "sa.Text()" if kind == "type" and isinstance(item, JsonText) else False


engine = make_engine(context.config.attributes["url"], owner=True)
with engine.connect() as connection:
    if connection.dialect.name == "sqlite":
        # SQLite alters a table by copying it and dropping the old one; that a row refers to the old one would forbid
        # the drop. The switch does nothing inside a transaction, so it is thrown on the driver's connection.
        connection.connection.execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.name == "sqlite" and (
        loose := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    ):
        raise RuntimeError(f"rows refer to what is not there: {loose[:5]}")
engine.dispose()
