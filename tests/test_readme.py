"""The README tells the truth: its diagram is the machine's, and its curl lines do what they say."""

from __future__ import annotations

import re
from pathlib import Path

from states.diagram import route_diagram
from states.plan import compile_plan
from workflow_service.packs import route_named, shipped_definitions

README = Path(__file__).parent.parent / "README.md"
MARK = re.compile(r"<!-- diagram: (\S+) (\S+) -->\n```mermaid\n(.*?)```", re.DOTALL)


def drawn(pack: str, rule: str) -> str:
    """The diagram of a pack's route as the README shows it."""
    definition = next(d for d in shipped_definitions("transfer") if d.pack == pack)
    route = route_named(definition, rule)
    return route_diagram(compile_plan(definition, definition, route, route.steps))


def test_the_diagram_in_the_readme_is_the_machines_own() -> None:
    text = README.read_text(encoding="utf-8")
    found = MARK.findall(text)
    assert found
    for pack, rule, diagram in found:
        assert diagram == drawn(pack, rule), f"put this into the README:\n{drawn(pack, rule)}"
