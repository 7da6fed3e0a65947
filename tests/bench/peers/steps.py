"""What every peer does: five steps from draft to completion, and the link of a history row to the one before."""

import hashlib
import json
import os

ALL_ROWS = os.environ.get("BENCH_ROWS") == "all"
"""Whether parties, opinions, places, chains and keys are written too, as the service does; else what goal 3 names:
row lock, guard on role, documents and window, state and version, history, deadline, outbox, and at the end the move."""

PAPERS = {"form", "application", "register_head", "register_student"}
STATES = ("draft", "awaiting_destination_principal", "awaiting_origin_school", "awaiting_shared_bureau",
          "awaiting_arrival", "completed")  # fmt: skip
EVENTS = ("submit", "approve_destination", "approve_origin", "approve_bureau", "confirm_arrival")
TARGETS = dict(zip(EVENTS, STATES[1:], strict=True))
ROLES = {"submit": "registrar", "confirm_arrival": "registrar"}
"""Who acts; in all other steps a principal."""
UNITS = ("destination", "origin", "destination_bureau", "origin_bureau", "shared_bureau")
PLACES = 1_000_000
DAYS = 10


def linked(chain, **payload):
    """(payload, hash) of the next history row."""
    text = json.dumps(payload)
    return text, hashlib.sha256(bytes(chain) + text.encode()).digest()
