"""Checks of the record itself (学籍信息): key data, problem records, proofs, archives."""

from __future__ import annotations
