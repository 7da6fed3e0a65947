"""Facts that are sealed (加密的申请事实): personal data that a request carries until it is completed.

A request's facts are copied into judgements and dated entries, which are never erased; so a new identity number, a
name or a phone stands there as ciphertext, and is opened only to be shown masked, to be judged, or to be written.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from states.vocabulary import DATA_FACTS
from workflow_service.crypto import mask_number, mask_phone, normalise

if TYPE_CHECKING:
    from workflow_service.service import Service

MARK = "sealed:"
SEALED = frozenset(name for name, kind in DATA_FACTS.items() if kind.type == "sealed")
"""The facts that are never stored in clear."""
MASKED = frozenset(name for name in SEALED if DATA_FACTS[name].mask != "none")
"""Those of them that nobody is shown whole."""


def seal(service: Service, name: str, text: str) -> str:
    """The text of one fact as it is stored: base64 of a ciphertext that opens under this fact's name only."""
    plain = normalise("identity_number", text) if DATA_FACTS[name].mask == "number" else text.strip()
    return MARK + base64.b64encode(service.cipher.encrypt(plain, _column(name))).decode()


def unseal(service: Service, name: str, stored: Any) -> str | None:
    """The text of a sealed fact, None where it was not given. Raises `Undecryptable`."""
    if not isinstance(stored, str) or not stored.startswith(MARK):
        return None
    return service.cipher.decrypt(base64.b64decode(stored.removeprefix(MARK)), _column(name))


def shown(service: Service, data: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as anybody may see them: numbers and phones masked, sealed names opened for whoever sees the request."""
    return {name: _shown(service, name, value) if name in SEALED else value for name, value in data.items()}


def editable(service: Service, data: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as a form shows them to be corrected: what would be masked is left empty, and stays if it is left so."""
    return {name: value for name, value in shown(service, data).items() if name not in MASKED}


def _shown(service: Service, name: str, stored: Any) -> str | None:
    text = unseal(service, name, stored)
    if text is None:
        return None
    return {"number": mask_number, "phone": mask_phone}.get(DATA_FACTS[name].mask, str)(text)


def _column(name: str) -> str:
    return f"request.data.{name}"
