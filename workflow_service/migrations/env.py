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
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
