"""What admission does (入学注册的效力): numbers, admissions taken up."""

from __future__ import annotations
