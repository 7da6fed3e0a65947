"""`workflow-service export` on the command line."""

from __future__ import annotations

from pathlib import Path

import openpyxl

from tests.api.conftest import Run
from tests.api.test_cli import world  # noqa: F401 - a fixture
from tests.workflow_service.world import World


def test_an_export_says_how_far_it_is_and_what_it_wrote(world: World, run: Run, tmp_path: Path) -> None:  # noqa: F811
    world.student("202")
    status, out, err = run("export", str(tmp_path / "a.xlsx"), "--as", "county2")
    assert (status, "1 students, 0 requests" in out) == (0, True)
    assert "[1/1] 学生名册" in err
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == ["学生名册"]


def test_whole_numbers_need_a_purpose_and_a_file_is_not_overwritten(
    world: World,  # noqa: F811
    run: Run,
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.xlsx"
    assert run("export", str(path), "--reveal")[0] == 2
    assert run("export", str(path), "--purpose", "核对")[0] == 2
    assert run("export", str(path), "--reveal", "--purpose", "核对学籍", "--as", "county2")[0] == 1
    assert not path.exists()
    path.write_text("mine")
    status, out, err = run("export", str(path))
    assert (status, out) == (1, "")
    assert "exists" in err
