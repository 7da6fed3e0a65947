"""Checks of admission (入学注册): age, terms of registration, catchment, the duplicate check."""

from __future__ import annotations
