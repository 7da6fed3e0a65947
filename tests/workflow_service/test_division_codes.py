"""Real divisions, named in full."""

from workflow_service.division_codes import division_name, divisions


def test_divisions_are_named_in_full_and_made_up_codes_are_not_there() -> None:
    assert division_name("231183") == "黑龙江省黑河市嫩江市"
    assert division_name("110101") == "北京市东城区"
    assert division_name("990000") is None


def test_every_code_has_six_digits_and_a_known_province() -> None:
    assert len(divisions()) > 3300
    assert all(len(code) == 6 and code[:2] + "0000" in divisions() for code in divisions())
