"""The worked examples of real policies stand as cases in the county that they are about."""

from __future__ import annotations

import re

import pytest

from lianxing.engine.matchers import Preference
from lianxing.rules.cases import Case
from tests.policies.proving import COUNTIES, MATCHERS, cases_of, proof_of

YOUXIAN = "cn/hunan/zhuzhou/youxian"
NVSI = "examples/nvsi"

# By number: the counties whose cases answer the example, and how many cases it takes.
EXAMPLES: dict[int, dict[str, int]] = {
    1: {NVSI: 2, f"{NVSI}/running_total": 2, f"{NVSI}/half_open": 1, f"{NVSI}/split_by_day": 1},
    2: {NVSI: 1, f"{NVSI}/half_open": 2, f"{NVSI}/running_total": 1, f"{NVSI}/split_by_day": 1},
    3: {NVSI: 2, f"{NVSI}/half_open": 1, f"{NVSI}/running_total": 1, f"{NVSI}/split_by_day": 2},
    4: {"examples/hailin": 4},
    5: {"cn/shandong/weihai": 9},
    6: {"cn/hubei/huangshi": 4},
    7: {"examples/huangshan": 3},
    8: {"cn/guangdong/guangzhou": 4},
    9: {"examples/nanjing": 4},
    10: {"cn/beijing": 6},
    11: {"cn/beijing": 3},
    12: {"cn/sichuan/chengdu/longquanyi": 4},
    14: {"cn/sichuan/chengdu/longquanyi": 4},
    15: {"cn/guangdong/shenzhen/longgang": 3},
    18: {"cn/sichuan": 1, NVSI: 2},
    19: {"cn/hubei": 1},
    20: {"cn/beijing": 5, "cn": 2},
    21: {"examples/nanchuan": 2},
    24: {"cn/guangdong": 5, "cn/guangxi": 5},
    25: {"cn/zhejiang/taizhou/huangyan": 5},
    26: {"examples/shengzhou": 4},
    28: {"examples/luohe": 3},
    29: {NVSI: 2},
    33: {"examples/taiwan_card": 2},
    34: {"examples/korea_2010": 2},
    36: {"cn/zhejiang/ningbo/xiangshan": 3},
    37: {"cn/fujian/fuzhou": 3},
    38: {"examples/school_level": 1},
    39: {"examples/bozhou": 1, "examples/county_plan": 1},
    40: {"examples/university": 1},
    42: {"cn/shandong/dongying/nonggao": 4},
    43: {"examples/order_67": 4},
    44: {YOUXIAN: 5, f"{YOUXIAN}/lianxing": 3},
}
PLACES = [(number, county) for number, counties in EXAMPLES.items() for county in counties]


def answers(case: Case, number: int) -> bool:
    """Tell whether the case names the worked example with this number as its source."""
    named = re.search(r"(?:示例|examples?) ?(\d+)(?: and (\d+))?", case.source.clause)
    return named is not None and str(number) in named.groups()


@pytest.mark.parametrize(("number", "county"), PLACES)
def test_the_example_has_its_cases_in_the_county_that_it_is_about(number: int, county: str) -> None:
    found = [case for case in cases_of(county) if answers(case, number)]
    assert len(found) >= EXAMPLES[number][county]


@pytest.mark.parametrize(("number", "county"), PLACES)
def test_the_cases_of_an_example_name_title_and_grade_or_year(number: int, county: str) -> None:
    sources = [case.source for case in cases_of(county) if answers(case, number)]
    assert all(source.title and (source.grade or source.year) for source in sources)


@pytest.mark.parametrize("matcher", MATCHERS)
@pytest.mark.parametrize(("number", "county"), PLACES)
def test_the_cases_of_an_example_pass(number: int, county: str, matcher: Preference) -> None:
    results = [result for result in proof_of(county, matcher).results if answers(result.case, number)]
    assert [result.checks for result in results if not result.passed] == []


def test_no_case_names_an_example_that_is_not_listed_here() -> None:
    named = {
        (number, county)
        for county in COUNTIES
        for case in cases_of(county)
        for number in range(1, 45)
        if answers(case, number)
    }
    assert named == set(PLACES)
