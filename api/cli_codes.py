"""`codes`: the code tables (代码表) at the command line."""

from __future__ import annotations

import json
from datetime import datetime

import click

from api.codes import code_view, table_view
from workflow_service.code_tables import code_table, code_tables


@click.command()
@click.argument("scheme", required=False)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The version that is valid on this day.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def codes(scheme: str | None, on: datetime | None, as_json: bool) -> None:
    """List the code tables, or the rows of one.

    \b
    Example:
      workflow-service codes
      workflow-service codes jyt1001-xsdqzt
    """
    if scheme is None:
        tables = [table_view(table) for table in code_tables() if on is None or table.valid_from <= on.date()]
        lines = [
            "{scheme:20} {size:5}  {title} / {title_en}  ({standard}, {basis})".format(**table) for table in tables
        ]
        click.echo(json.dumps(tables, ensure_ascii=False) if as_json else "\n".join(lines))
        return
    table = code_table(scheme, on.date() if on else None)
    if table is None:
        raise click.ClickException(f"no code table {scheme}; `workflow-service codes` lists them")
    if as_json:
        rows = [code_view(code) for code in table.codes.values()]
        click.echo(json.dumps({**table_view(table), "codes": rows}, ensure_ascii=False))
        return
    for code in table.codes.values():
        indent = "  " if code.parent else ""
        click.echo(f"{indent}{code.code:8} {code.zh}" + (f" / {code.en}" if code.en else ""))
