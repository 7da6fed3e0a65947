"""What a page says next: beside the field that is wrong, and about the draft as it is."""

from __future__ import annotations

import io
import re
from typing import Any

from tests.api.conftest import Api
from tests.api.test_pages import sign_in


def _form(api: Api, kind: str, pupil: Any, **more: str) -> Any:
    csrf = sign_in(api, "school201")
    form = {"csrf": csrf, "kind": kind, "who": "own", "student_id": str(pupil.id), **more}
    return api.client.post("/requests/new", data=form, follow_redirects=True)


def test_a_stored_draft_says_what_to_do_with_it(sqlite_api: Api) -> None:
    pupil = sqlite_api.world.student("201", 3)
    sqlite_api.world.school_class("201", 3, sequence=2)
    bare = _form(sqlite_api, "suspension", pupil)
    assert "现在还不能提交" in bare.text
    assert "本件不需要材料" not in bare.text
    assert "选择事由后，这里列出需要的材料" in bare.text
    assert "修改申请" in bare.text
    other = sqlite_api.world.student("201", 3)
    assert "请上传材料后提交" in _form(sqlite_api, "death_report", other, **{"data.died_on": "2026-08-01"}).text
    third = sqlite_api.world.student("201", 3)
    assert "请核对后提交" in _form(sqlite_api, "class_change", third, **{"data.class_name": "2班"}).text


def test_a_file_that_is_refused_is_refused_beside_its_field_and_once(sqlite_api: Api) -> None:
    world = sqlite_api.world
    draft = world.start("school201", "suspension", world.student("201", 3), ground="illness")
    csrf = sign_in(sqlite_api, "school201")
    form = {"csrf": csrf, "kind": "hospital_diagnosis", "file": (io.BytesIO(b"hello"), "x.png")}
    kinds = re.findall(r'name="kind" value="(\w+)"', sqlite_api.client.get(f"/requests/{draft}").text)
    form["kind"] = kinds[-1]
    answer = sqlite_api.client.post(f"/requests/{draft}/documents", data=form, content_type="multipart/form-data")
    assert answer.status_code == 415
    top, _, below = answer.text.partition('id="case-title"')
    assert top.count("只接受 JPG、PNG、PDF") == 1
    assert below.count('aria-invalid="true"') == 1
    assert 'class="wrong"' in below.partition(f'value="{kinds[-1]}"')[2].partition("</form>")[0]


def test_a_refusal_without_a_reason_is_said_beside_the_list(sqlite_api: Api) -> None:
    world = sqlite_api.world
    draft = world.start("school201", "suspension", world.student("201", 3), ground="illness",
                        data={"until": "2027-07-31"})  # fmt: skip
    world.fire(draft, "submit", "school201")
    csrf = sign_in(sqlite_api, "school201.principal")
    form = {"csrf": csrf, "version": str(world.request(draft).version), "event": "reject"}
    answer = sqlite_api.client.post(f"/requests/{draft}/events", data=form)
    assert answer.status_code in (409, 422)
    assert "由其他岗位办理：撤回" in answer.text
    assert 'id="wrong-reason"' in answer.text or "SYS-T6" in answer.text


def test_a_masked_number_is_told_and_can_be_taken_out_of_a_draft(sqlite_api: Api) -> None:
    world = sqlite_api.world
    pupil = world.student("201", 3)
    made = _form(sqlite_api, "key_data_change", pupil, ground="entered_wrongly",
                 **{"data.new_identity_number": "110101201001010"})  # fmt: skip
    path = re.findall(r"/requests/\d+", made.request.path)[0]
    number = int(path.rpartition("/")[2])
    edit = sqlite_api.client.get(f"{path}/edit").text
    assert "不填则保留" in edit
    assert "110101201001010" not in edit
    form = {"csrf": sign_in(sqlite_api, "school201"), "version": str(world.request(number).version),
            "ground": "entered_wrongly", "data.new_name": "林大满"}  # fmt: skip
    sqlite_api.client.post(f"{path}/edit", data=form)
    assert "new_identity_number" in world.request(number).data, "what is left empty stays"
    form = {**form, "version": str(world.request(number).version), "clear.new_identity_number": "true"}
    sqlite_api.client.post(f"{path}/edit", data=form)
    assert "new_identity_number" not in world.request(number).data


def test_a_class_change_offers_the_other_classes_only(sqlite_api: Api) -> None:
    world = sqlite_api.world
    pupil = world.student("201", 3)
    world.school_class("201", 3, sequence=2)
    world.school_class("201", 4)
    sign_in(sqlite_api, "school201")
    text = sqlite_api.client.get(f"/requests/new?kind=class_change&student={pupil.id}").text
    options = re.findall(
        r'<option value="([^"]+)"', text.partition('name="data.class_name"')[2].partition("</select>")[0]
    )
    assert options == ["2班"], "neither the class that is left nor one of another grade is a choice"
    text = sqlite_api.client.get(f"/requests/new?kind=skip_grade&student={pupil.id}").text
    assert "1班（四年级）" in text


def test_a_birth_to_come_and_a_number_of_somebody_else_are_refused_beside_their_fields(sqlite_api: Api) -> None:
    sqlite_api.world.school_class("201", 1)
    csrf = sign_in(sqlite_api, "school201")
    form = {"csrf": csrf, "kind": "enrolment", "who": "new", "person.name": "新生甲", "person.sex": "1", "grade": "1",
            "ground": "catchment_admission", "person.birth_date": "2031-03-01"}  # fmt: skip
    answer = sqlite_api.client.post("/requests/new", data=form)
    assert answer.status_code == 422
    assert 'id="wrong-person-birth_date">不能晚于今天' in answer.text
    wrong = {**form, "person.birth_date": "2020-03-01", "person.identity_number": "110101202004010015"}
    answer = sqlite_api.client.post("/requests/new", data=wrong)
    assert answer.status_code == 422
    assert 'id="wrong-person-identity_number">号码中的出生日期与所填出生日期不一致' in answer.text
    assert 'value="新生甲"' in answer.text
    good = {**form, "person.birth_date": "2020-03-01"}
    assert sqlite_api.client.post("/requests/new", data=good).status_code == 303


def test_a_second_draft_leads_to_the_first(sqlite_api: Api) -> None:
    pupil = sqlite_api.world.student("201", 3)
    first = _form(sqlite_api, "suspension", pupil, ground="illness").request.path
    second = _form(sqlite_api, "suspension", pupil, ground="illness", key="another")
    assert second.status_code == 409
    assert f'class="button primary" href="{first}"' in second.text


def test_every_kind_for_many_has_its_form(sqlite_api: Api) -> None:
    sqlite_api.world.student("201", 3)
    sign_in(sqlite_api, "school201")
    offered = re.findall(r'href="(/batches/new[^"]+)"', sqlite_api.client.get("/requests/new").text)
    assert len(offered) > 4
    assert {path: sqlite_api.client.get(path).status_code for path in offered} == dict.fromkeys(offered, 200)


def test_a_batch_of_nobody_is_no_form_to_fill_in(sqlite_api: Api) -> None:
    sqlite_api.world.student("201", 3)
    sign_in(sqlite_api, "school201")
    empty = sqlite_api.client.get("/batches/new?kind=enrolment").text
    assert 'name="ground"' not in empty
    assert 'href="/requests/new?kind=enrolment"' in empty


def test_a_batch_is_filed_and_worked_off_by_page(sqlite_api: Api) -> None:
    world, client = sqlite_api.world, sqlite_api.client
    pupils = [world.student("201", grade) for grade in (3, 2, 3)]
    csrf = sign_in(sqlite_api, "school201")
    form = {"csrf": csrf, "kind": "promotion", "student": [str(pupil.id) for pupil in pupils]}
    made = client.post("/batches/new", data=form, follow_redirects=True)
    assert made.status_code == 200, made.text[-600:]
    assert "草稿" in made.text
    path = made.request.path
    sent = client.post(f"{path}/events", data={"csrf": csrf, "event": "submit"})
    assert sent.status_code == 200
    assert client.get(f"{path}?lang=en").status_code == 200
