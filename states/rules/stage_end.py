"""Checks of promotion and graduation (升级、毕业、学历)."""

from __future__ import annotations
