"""What promotion and graduation do (升级与毕业的效力): certificates, registrations."""

from __future__ import annotations
