"""The index of names (姓名索引): every two characters of a name that follow each other, its last one, its syllables.

It is the database's own business, so that no writer can forget it: on PostgreSQL an index over a function of the two
columns, without an extension; on SQLite, which has no such index, a table that triggers of `student` keep.
"""

from __future__ import annotations

POSITIONS = ",".join(str(n) for n in range(1, 61))
"""As many as a name may have characters (`workflow_service.names.LONGEST`)."""

POSTGRESQL = (
    """
CREATE FUNCTION name_parts(name text, pinyin text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_remove(
        ARRAY(SELECT substr(name, n, 2) FROM generate_series(1, length(name)) n) || string_to_array(pinyin, ' '), ''))
$$""",
    "CREATE INDEX ix_student_name_parts ON student USING gin (name_parts(name, pinyin))",
)


_PARTS = f"""
    SELECT substr(ROW.name, n.value, 2) AS part FROM json_each('[{POSITIONS}]') n WHERE n.value <= length(ROW.name)
    UNION SELECT w.value FROM json_each('["' || replace(replace(replace(ROW.pinyin, '\\', '\\\\'), '"', '\\"'), ' ',
        '","') || '"]') w WHERE w.value <> ''"""  # noqa: S608 - our own text
_ADD = f"INSERT INTO name_part (part, student_id) SELECT part, NEW.id FROM ({_PARTS.replace('ROW', 'NEW')})"  # noqa: S608
_DROP = f"DELETE FROM name_part WHERE student_id = OLD.id AND part IN ({_PARTS.replace('ROW', 'OLD')})"  # noqa: S608

SQLITE = (
    "CREATE TABLE name_part (part TEXT NOT NULL, student_id BIGINT NOT NULL, PRIMARY KEY (part, student_id)) "
    "WITHOUT ROWID",
    f"CREATE TRIGGER name_part_added AFTER INSERT ON student BEGIN {_ADD}; END",
    f"CREATE TRIGGER name_part_changed AFTER UPDATE OF name, pinyin ON student BEGIN {_DROP}; {_ADD}; END",
    f"CREATE TRIGGER name_part_dropped AFTER DELETE ON student BEGIN {_DROP}; END",
)
