"""What keeps the counters of boxes (待办计数): triggers of `request_party`, and the folding of what they wrote.

The database does it, so that no writer can forget it: transitions, sweeps, mergers, new clocks, imports, generated
data. A counter row per office would make all who write there wait for each other (0.58 of the rate, measured); a row of
differences makes nobody wait.
"""

from __future__ import annotations

from workflow_service.sql import for_postgresql

NEVER = 2**63 - 1
"""Where a hold has no due date."""

_OPEN = "({row}.duty = 'hold' AND {row}.to_at IS NULL)"
_WAS, _IS = _OPEN.format(row="OLD"), _OPEN.format(row="NEW")
_LESS, _MORE = (
    f"INSERT INTO box_delta (path, due_at, amount) SELECT {row}.path, COALESCE({row}.due_at, {NEVER}), {amount}"
    for row, amount in (("OLD", -1), ("NEW", 1))
)

POSTGRESQL = (
    *(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"
      for name, body in (("box_opened", _MORE), ("box_closed", _LESS), ("box_moved", f"{_LESS}; {_MORE}"))),
    f"CREATE TRIGGER box_opened AFTER INSERT ON request_party FOR EACH ROW WHEN {_IS} EXECUTE FUNCTION box_opened()",
    f"CREATE TRIGGER box_reopened AFTER UPDATE ON request_party FOR EACH ROW WHEN (NOT {_WAS} AND {_IS})"
    " EXECUTE FUNCTION box_opened()",
    f"CREATE TRIGGER box_closed AFTER UPDATE ON request_party FOR EACH ROW WHEN ({_WAS} AND NOT {_IS})"
    " EXECUTE FUNCTION box_closed()",
    f"CREATE TRIGGER box_moved AFTER UPDATE ON request_party FOR EACH ROW WHEN ({_WAS} AND {_IS}"
    " AND (OLD.path, OLD.due_at) IS DISTINCT FROM (NEW.path, NEW.due_at)) EXECUTE FUNCTION box_moved()",
    f"CREATE TRIGGER box_dropped AFTER DELETE ON request_party FOR EACH ROW WHEN {_WAS} EXECUTE FUNCTION box_closed()",
    # Rows come and go all the time: dead ones would be read with every sum.
    "ALTER TABLE box_delta SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)",
    "ALTER TABLE box_count SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)",
)  # fmt: skip
SQLITE = (
    f"CREATE TRIGGER box_opened AFTER INSERT ON request_party WHEN {_IS} BEGIN {_MORE}; END",
    f"CREATE TRIGGER box_reopened AFTER UPDATE ON request_party WHEN NOT {_WAS} AND {_IS} BEGIN {_MORE}; END",
    f"CREATE TRIGGER box_closed AFTER UPDATE ON request_party WHEN {_WAS} AND NOT {_IS} BEGIN {_LESS}; END",
    f"CREATE TRIGGER box_moved AFTER UPDATE ON request_party WHEN {_WAS} AND {_IS}"
    f" AND (OLD.path IS NOT NEW.path OR OLD.due_at IS NOT NEW.due_at) BEGIN {_LESS}; {_MORE}; END",
    f"CREATE TRIGGER box_dropped AFTER DELETE ON request_party WHEN {_WAS} BEGIN {_LESS}; END",
)
TRIGGERS = ("box_opened", "box_reopened", "box_closed", "box_moved", "box_dropped")

HOLDS = f"""
SELECT path, COALESCE(due_at, {NEVER}) AS due_at, 1 AS amount FROM request_party
WHERE duty = 'hold' AND to_at IS NULL"""  # noqa: S608 - our own text
"""The list that is counted."""

_ABOVE = "rtrim(rtrim(path, '/'), replace(path, '/', ''))"
"""The path above: without its last name."""


def upwards(source: str) -> str:
    """`source` summed up at its own place and at every place above it, as a CTE `up` of (path, due_at, amount)."""
    return f"""
up (path, due_at, amount) AS (
    SELECT path, due_at, sum(amount) FROM ({source}) s GROUP BY path, due_at
    UNION ALL SELECT {_ABOVE}, due_at, amount FROM up WHERE {_ABOVE} NOT IN ('/', ''))"""  # noqa: S608 - our own text


_COUNT = f"""
INSERT INTO box_count (parent, path, due_at, pending)
SELECT {_ABOVE}, path, due_at, sum(amount) FROM up WHERE amount <> 0 GROUP BY path, due_at HAVING sum(amount) <> 0
ORDER BY path, due_at
ON CONFLICT (parent, path, due_at) DO UPDATE SET pending = box_count.pending + excluded.pending"""  # noqa: S608

# One statement: the differences are gone and counted, or neither. Two who fold take the counters in one order.
FOLD = for_postgresql(f"""
WITH RECURSIVE gone AS (
    DELETE FROM box_delta WHERE ctid = ANY (ARRAY(SELECT ctid FROM box_delta LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING path, due_at, amount),
{upwards("SELECT path, due_at, amount FROM gone")},
folded AS ({_COUNT})
SELECT count(*) FROM gone""")  # noqa: S608 - our own text
LAST = "SELECT max(rowid), count(*) FROM (SELECT rowid FROM box_delta ORDER BY rowid LIMIT :limit)"
FOLD_SQLITE = (
    f"WITH RECURSIVE {upwards('SELECT path, due_at, amount FROM box_delta WHERE rowid <= :last')} {_COUNT}",  # noqa: S608
    "DELETE FROM box_delta WHERE rowid <= :last",
)

# Whoever counts there at this moment is passed by; the next round looks again.
TIDY = {
    "postgresql": """
DELETE FROM box_count WHERE pending = 0 AND ctid = ANY (ARRAY(
    SELECT ctid FROM box_count WHERE pending = 0 FOR UPDATE SKIP LOCKED))""",
    "sqlite": "DELETE FROM box_count WHERE pending = 0",
}

UNEQUAL = f"""
WITH RECURSIVE {upwards(f"{HOLDS} UNION ALL SELECT path, due_at, -amount FROM box_delta")}
SELECT path, 'due ' || CAST(due_at AS TEXT) || ': the counter is off by ' || CAST(sum(amount) AS TEXT) FROM (
    SELECT path, due_at, amount FROM up UNION ALL SELECT path, due_at, -pending FROM box_count) x
GROUP BY path, due_at HAVING sum(amount) <> 0
UNION ALL SELECT path, 'the counter lies below ' || parent FROM box_count WHERE parent <> {_ABOVE}"""  # noqa: S608
