"""What must hold between pairs that may be one person and the records themselves (查重与学籍)."""

from __future__ import annotations

from workflow_service.sql.check import Invariant

PAIRS = (
    Invariant("K1", "what is a student's has its student", """
SELECT n.student_id, 'a number in the registry without its student' FROM student_number n
    LEFT JOIN student s ON s.id = n.student_id WHERE s.id IS NULL
UNION ALL SELECT e.student_id, 'an enrolment without its student' FROM enrolment e
    LEFT JOIN student s ON s.id = e.student_id WHERE s.id IS NULL
UNION ALL SELECT g.student_id, 'a guardian without a student' FROM guardian g
    LEFT JOIN student s ON s.id = g.student_id WHERE s.id IS NULL
UNION ALL SELECT b.student_id, 'a block without its student' FROM likeness_block b
    LEFT JOIN student s ON s.id = b.student_id WHERE s.id IS NULL"""),
    Invariant("K12", "an open pair makes both problem records", """
SELECT p.id, 'open, but a record of it is no problem record' FROM duplicate_pair p
    JOIN student a ON a.id = p.first_id JOIN student b ON b.id = p.second_id
WHERE p.state = 'open' AND (a.problem IS NULL OR b.problem IS NULL)"""),
    Invariant("K12", "a problem of a pair has its open pair", """
SELECT s.id, 'a problem record for a pair, and no pair is open' FROM student s
WHERE s.problem IN ('duplicate_with_identity_number', 'nearly_equal_identity_number') AND NOT EXISTS (
    SELECT 1 FROM duplicate_pair p WHERE p.state = 'open' AND (p.first_id = s.id OR p.second_id = s.id))"""),
    Invariant("K12", "a merged record has left and is in no block", """
SELECT m.gone_id, 'merged, but it still stands' FROM student_merge m JOIN student s ON s.id = m.gone_id
WHERE m.undone_at IS NULL AND (s.status <> 'other' OR s.problem IS NULL OR s.problem <> 'merged'
    OR EXISTS (SELECT 1 FROM enrolment e WHERE e.student_id = s.id AND e.ended_at IS NULL)
    OR EXISTS (SELECT 1 FROM likeness_block b WHERE b.student_id = s.id))
UNION ALL SELECT s.id, 'called merged, and points to no record' FROM student s
WHERE s.problem = 'merged' AND NOT EXISTS (
    SELECT 1 FROM student_merge m WHERE m.gone_id = s.id AND m.undone_at IS NULL)"""),
)  # fmt: skip
