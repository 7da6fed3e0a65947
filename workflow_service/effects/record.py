"""What changes of the record do (学籍信息变更的效力): key data, results, problem records, reversal."""

from __future__ import annotations
