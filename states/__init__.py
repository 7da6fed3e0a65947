"""The rules (规则): decides, and explains, with nothing but what it is handed.

No clock, no database, no network: the same question always has the same answer, so that a decision can be replayed.
"""
