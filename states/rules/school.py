"""Checks of school matters (学校事项): quota, jurisdiction, founding and closing."""

from __future__ import annotations
