"""Every county below policies/ proves itself: its cases pass, touch every clause, and do so with either matcher."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lianxing.engine.layers import read_layers
from lianxing.engine.matchers import Preference
from lianxing.plugins.cli.covering import side_sentence
from lianxing.rules.conditions import AnyOf
from lianxing.rules.dates import Dated
from lianxing.rules.earning import Rates
from lianxing.rules.hours import Count, Exclude
from lianxing.rules.places import Label
from tests.policies.proving import COUNTIES, MATCHERS, SHELF, cases_of, folder_of, policy_of, proof_of

SEED = ("cn/hunan/zhuzhou", "cn/hunan/huaihua", "cn/hunan/changde")
EXPECTED_SEED = (
    "cn",
    "cn/hunan",
    "cn/hunan/changde",
    "cn/hunan/changde/wuling",
    "cn/hunan/huaihua",
    "cn/hunan/huaihua/xinhuang",
    "cn/hunan/zhuzhou",
    "cn/hunan/zhuzhou/youxian",
    "cn/hunan/zhuzhou/youxian/lianxing",
)
SEED_COUNTIES = [county for county in COUNTIES if county.startswith(SEED)]
REAL_COUNTIES = [county for county in COUNTIES if not county.startswith(SEED)]

every_county = pytest.mark.parametrize("county", COUNTIES)
every_matcher = pytest.mark.parametrize("matcher", MATCHERS)


def test_the_places_of_the_seed_are_there() -> None:
    assert set(EXPECTED_SEED) <= set(COUNTIES)


@every_matcher
@every_county
def test_every_case_of_a_county_passes(county: str, matcher: Preference) -> None:
    wrong = {
        str(result.case.location): [check for check in result.checks if not check.holds]
        for result in proof_of(county, matcher).results
        if not result.passed
    }
    assert wrong == {}


@every_county
def test_every_case_of_a_county_asks_something(county: str) -> None:
    assert [str(r.case.location) for r in proof_of(county, "plain").results if not r.checks] == []


@every_matcher
@every_county
def test_every_clause_of_a_county_is_touched_by_a_case(county: str, matcher: Preference) -> None:
    assert [clause.id for clause in proof_of(county, matcher).coverage.untouched] == []


@every_matcher
@every_county
def test_the_cases_of_a_county_stand_on_both_sides_of_every_boundary(county: str, matcher: Preference) -> None:
    missing = proof_of(county, matcher).coverage.missing
    assert [side_sentence(side, "en") for side in missing] == []


@pytest.mark.skipif(len(MATCHERS) < 2, reason="durable-rules cannot be imported here")
@every_county
def test_both_matchers_give_a_county_the_same_results(county: str) -> None:
    assert proof_of(county, "durable") == proof_of(county, "plain")


@every_county
def test_every_label_of_a_county_stands_in_chinese_and_in_english(county: str) -> None:
    assert [name for name, label in labels_of(county) if not label.zh or not label.en] == []


@every_county
def test_every_case_of_a_county_names_its_source(county: str) -> None:
    assert [str(case.location) for case in cases_of(county) if not (case.source.title and case.source.clause)] == []


@every_county
def test_every_statement_of_a_county_cites_a_source(county: str) -> None:
    assert [clause.id for clause in policy_of(county).clauses if not clause.source.title] == []


@every_county
def test_a_county_file_says_first_what_is_public_and_what_is_not(county: str) -> None:
    assert (folder_of(county).content("county.yaml") or b"").startswith(b"# ")


@pytest.mark.parametrize("county", SEED_COUNTIES)
def test_every_number_of_the_seed_is_marked_illustrative(county: str) -> None:
    policy = policy_of(county)
    ours = [clause for clause in (policy.county.clause, *policy.clauses) if clause.layer.startswith(SEED)]
    assert [clause.id for clause in ours if clause.source.status != "illustrative"] == []


@pytest.mark.parametrize("county", SEED_COUNTIES)
def test_a_seed_county_with_numbers_says_so_in_its_title(county: str) -> None:
    policy = policy_of(county)
    if any(clause.layer == county for clause in policy.clauses):
        assert "示例" in policy.county.label.zh
        assert "illustrative" in policy.county.label.en


@pytest.mark.parametrize("county", REAL_COUNTIES)
def test_a_real_county_marks_what_its_source_leaves_open(county: str) -> None:
    """Outside the seed only a rounding that the source does not state, or another reading of it, is ours."""
    ours = [c for c in policy_of(county).clauses if c.layer == county and c.source.status == "illustrative"]
    other_reading = county.startswith("examples/nvsi/")
    assert [c.id for c in ours if c.source.clause not in ("资料未写", "not said") and not other_reading] == []


def test_party_members_come_before_the_filing_in_the_pilot() -> None:
    ids = [step.clause.id for step in policy_of("cn/hunan/zhuzhou/youxian/lianxing").hours]
    assert ids.index("party_members_registered_here") + 1 == ids.index("filed_only")
    earning = [step.clause.id for step in policy_of("cn/hunan/zhuzhou/youxian/lianxing").earning]
    assert earning[:3] == ["by_service_time", "paired_help", "by_blood_donation"]


def test_an_override_takes_the_place_of_the_statement_below() -> None:
    nation, xinhuang = policy_of("cn"), policy_of("cn/hunan/huaihua/xinhuang")
    at = [step.clause.id for step in nation.hours].index("not_on_duty")
    below, above = nation.hours[at], xinhuang.hours[at]
    assert isinstance(below, Exclude)
    assert isinstance(above, Exclude)
    assert above.clause.layer == "cn/hunan/huaihua/xinhuang"
    assert isinstance(above.condition, AnyOf)


def test_the_pilot_counts_what_is_filed_and_the_county_also_what_is_effective() -> None:
    county = policy_of("cn/hunan/zhuzhou/youxian").clause("filed_only")
    pilot = policy_of("cn/hunan/zhuzhou/youxian/lianxing")
    filed = next(step for step in pilot.hours if step.clause.id == "filed_only")
    assert isinstance(filed, Count)
    assert (county.layer, filed.clause.layer) == ("cn/hunan/zhuzhou/youxian", "cn/hunan/zhuzhou/youxian/lianxing")


def test_a_layer_removes_what_the_layer_below_says() -> None:
    removed = [
        ("cn/hunan/changde", "cn/hunan/changde/wuling", "training_is_not_service"),
    ]
    for below, above, id in removed:
        assert id in {clause.id for clause in policy_of(below).clauses}
        assert id not in {clause.id for clause in policy_of(above).clauses}


def test_an_old_number_stays_beside_the_new_one() -> None:
    xinhuang, wuling = policy_of("cn/hunan/huaihua/xinhuang"), policy_of("cn/hunan/changde/wuling")
    assert max(len(dated.entries) for dated in numbers_of(xinhuang.earning)) == 2
    assert max(len(dated.entries) for dated in numbers_of(wuling.earning)) == 2


def test_a_rate_table_by_two_facts_lies_beside_its_chapter() -> None:
    earning = policy_of("cn/hunan/changde/wuling").earning
    tables = [table for step in earning if hasattr(step, "rates") for table in step.rates.tables]
    (rates,) = [table for table in tables if len(table.by) == 2]
    assert rates.by == ("facility", "category")
    assert {cell.location.path for cell in rates.cells.values()} == {"cn/hunan/changde/wuling/rates.csv"}


def test_both_scripts_are_in_use() -> None:
    heads = {county: folder_of(county).content("county.yaml") or b"" for county in COUNTIES}
    assert sum(b"\ncounty: " in head for head in heads.values()) >= 2
    assert sum("\n县区: ".encode() in head for head in heads.values()) >= 2


@every_county
def test_bonuses_make_points_and_never_hours(county: str) -> None:
    """Only a rounding, or a journey that the registry reports beside it, may lengthen the time of a record."""
    made = [
        str(result.case.location)
        for result in proof_of(county, "plain").results
        for assessment in result.assessments
        if assessment.seconds > assessment.record.seconds
        and not any(w.operation in ("round", "add_time") and w.unit == "seconds" for w in assessment.workings)
    ]
    assert made == []


def labels_of(county: str) -> Iterator[tuple[str, Label]]:
    """The labels that the county's own layer gives, and those of the statements that it inherits."""
    policy = policy_of(county)
    yield "county", policy.county.label
    for clause in policy.clauses:
        yield clause.id, clause.label
    layer = read_layers(folder_of(county), SHELF, (), [])[-1][1]
    for fact in layer.head.facts:
        yield fact.name, fact.meaning
        for value in fact.values:
            if fact.name != "political_status":
                yield f"{fact.name} {value.id}", value.label


def numbers_of(steps: tuple[object, ...]) -> Iterator[Dated[object]]:
    for step in steps:
        rates = getattr(step, "rates", None)
        for table in rates.tables if isinstance(rates, Rates) else ():
            for cell in table.cells.values():
                yield cell.value  # type: ignore[misc]
