"""Names as cards carry them, and as people look for them."""

import pytest

from workflow_service.names import name_fault, normal_name, search_text


@pytest.mark.parametrize(
    "name", ["王𬭎", "李㛃", "龚䶮", "𠮷田", "买买提·阿不都热依木", "欧阳娜娜", "Ann-Marie O'Brien", "张小明"]
)
def test_rare_characters_dots_and_other_scripts_are_names(name: str) -> None:
    assert normal_name(name) == name
    assert name_fault(name) is None


@pytest.mark.parametrize("name", ["", "<script>", "李1", "张\u0007三", "张\ue000", "·", "王" * 61])
def test_what_no_card_can_carry_is_refused_in_both_languages(name: str) -> None:
    fault = name_fault(name)
    assert fault is not None
    assert " / " in fault or "/ " in fault


def test_one_name_has_one_spelling() -> None:
    assert normal_name(" 张\u3000三 ") == "张三"
    assert normal_name("买买提•阿不都热依木") == normal_name("买买提．阿不都热依木") == "买买提·阿不都热依木"
    assert normal_name("Ann  Lee") == "Ann Lee"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("张小明", "zhang xiao ming zxm"),
        ("单雄信", "shan xiong xin sxx"),
        ("尉迟恭", "yu chi gong ycg"),
        ("吕布", "lv bu lb"),
        ("单重庆", "shan chong qing scq"),
        ("𠮷田", "𠮷 tian 𠮷t"),
        ("O'Brien Ann", "o brien ann oba"),
    ],
)
def test_the_search_box_finds_a_name_by_syllables_and_initials(name: str, text: str) -> None:
    assert search_text(name) == text
