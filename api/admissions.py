"""`/admissions`: the bureau's admission list (导入录取名单, SYS-40), given back with a verdict for every row."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from flask import Blueprint, Response
from marshmallow import fields, validate
from werkzeug.datastructures import FileStorage

from api.documents import Upload
from api.endpoint import Call, operation
from api.shapes import Shape
from workflow_service.actors import Actor
from workflow_service.admissions import AdmissionsReport, import_admissions
from workflow_service.schools import check_registrar
from workflow_service.service import Service

bp = Blueprint("admissions", __name__)

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TOLD_NAME = "录取名单-处理结果.xlsx"


class AdmissionsGiven(Shape):
    """The list as .xlsx with the roster's headings; `check_only` writes nothing and says what would come of it."""

    file = Upload(required=True)
    check_only = fields.String(load_default="false", validate=validate.OneOf(["true", "false"]))


def taken_in(
    service: Service, actor: Actor, file: FileStorage, *, check_only: bool
) -> tuple[AdmissionsReport, bytes]:  # fmt: skip
    """What came of an uploaded list, and the workbook with the verdicts; nothing of either stays on the server.

    Raises Forbidden for whoever is no registrar of a bureau, `BadWorkbook`. Where the workbook could not be written,
    the list may be sent again: the second time changes nothing.
    """
    check_registrar(actor)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"  # never a name that a client made
        file.save(path)
        report = import_admissions(service, path, actor, check_only=check_only)
        if report.workbook is None:
            raise OSError("the workbook with the verdicts could not be written")
        return report, report.workbook.read_bytes()


def _may_import(call: Call) -> None:
    check_registrar(call.actor)


@operation(
    bp, "POST", "/admissions", summary="Import an admission list / 导入录取名单", may=_may_import,
    form=AdmissionsGiven, answers=None, roles=("registrar",), produces=WORKBOOK,
)  # fmt: skip
def post_admissions(call: Call) -> Response:
    """The list with a verdict for every row in its first column; the same list again adds nobody."""
    _, workbook = taken_in(
        call.service, call.actor, call.body["file"], check_only=call.body["check_only"] == "true"
    )  # fmt: skip
    return workbook_answer(workbook, TOLD_NAME)


def workbook_answer(content: bytes, name: str) -> Response:
    """A workbook as an attachment that no cache keeps."""
    answer = Response(content, mimetype=WORKBOOK)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    answer.headers["Cache-Control"] = "no-store"
    return answer
