"""What school matters do (学校事项的效力): quota, founding, merging, closing, releases."""

from __future__ import annotations
