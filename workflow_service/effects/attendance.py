"""What attendance requests do beyond the table of kinds (在校与离校的效力)."""

from __future__ import annotations
