"""A county put to the proof and told: each case, expected against got, and what of the policy no case proves."""

from __future__ import annotations

import re
from typing import Any

from lianxing.engine.amounts import counted, number_text, value_text
from lianxing.engine.cases import CaseResult
from lianxing.engine.checks import Check, Outcome
from lianxing.engine.coverage import prove
from lianxing.engine.explaining import body_of, kept_of
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.vocabulary import KEYS
from lianxing.engine.wording import sentences
from lianxing.plugins.cli.covering import coverage_data, tell_coverage
from lianxing.plugins.cli.finding import county_at, rulebook_for
from lianxing.plugins.cli.speaking import Speaker
from lianxing.plugins.host import Host
from lianxing.rules.places import Language
from lianxing.rules.problems import PolicyError, Problem

EXPLAINED = 5  # records of a failing case
_WORD = re.compile(r"[a-z_]+")


def tried(host: Host, where: str, min_coverage: int | None, speaker: Speaker) -> dict[str, Any]:
    """Run the cases of a county and tell how each came out; return it as plain data."""
    say = speaker.say
    folder, policy = county_at(host, where)
    problems: list[Problem] = []
    cases = read_cases(folder, policy, problems)
    if problems:
        raise PolicyError(problems)
    with rulebook_for(policy, speaker) as rulebook:
        results, coverage = prove(rulebook, cases)
    speaker.line(f"{where}　{policy.county.label.text(say.language)}")
    kept = kept_of(policy)
    for result in results:
        _case(result, kept, speaker)
    failed = sum(not result.passed for result in results)
    tell_coverage(coverage, speaker, every_side=min_coverage is not None)
    count, touched = len(results), coverage.clauses - len(coverage.untouched)
    sides, reached = coverage.sides, coverage.sides - len(coverage.missing)
    speaker.line(
        say(
            f"  {count} 个案例，{count - failed} 个相符，{failed} 个不符；"
            f"触及 {touched}/{coverage.clauses} 条，边界 {reached}/{sides} 侧",
            f"  {counted(count, 'case', 'cases')}, {count - failed} passed, {failed} failed; "
            f"{touched} of {coverage.clauses} clauses touched, {reached} of {sides} sides of boundaries",
        )
    )
    covered = min_coverage is None or coverage.reaches(min_coverage)
    if not covered:
        speaker.line(
            say(
                f"  未达 {min_coverage} %：{coverage.proven}/{coverage.parts}",
                f"  below {min_coverage} %: {coverage.proven} of {coverage.parts}",
            )
        )
    return {
        "county": where,
        "cases": [_case_data(result, say.language) for result in results],
        "passed": count - failed,
        "failed": failed,
        "untouched": [clause.id for clause in coverage.untouched],
        "coverage": coverage_data(coverage, say.language),
        "covered": covered,
    }


def _case(result: CaseResult, kept: dict[str, Any], speaker: Speaker) -> None:
    """Say how a case came out; of one that failed, what was asked and how its records came to what they got."""
    say = speaker.say
    mark = say("相符", "ok  ") if result.passed else say("不符", "FAIL")
    speaker.line(f"  {mark}  {result.case.name}")
    if result.passed:
        return
    for check in result.checks:
        if not check.holds:
            what = _what(check, say.language)
            expected, got = _shown(check, say.language)
            place = f"{result.case.location.path}:{result.case.location.line}"
            speaker.line(
                say(
                    f"        {what}：应为 {expected}，实得 {got}（{place}）",
                    f"        {what}: expected {expected}, got {got} ({place})",
                )
            )
    for assessment in result.assessments[:EXPLAINED]:
        speaker.line(say(f"        记录 {assessment.record.id}：", f"        record {assessment.record.id}:"))
        for sentence in sentences(body_of(assessment), kept, say.language):
            speaker.line(f"          {sentence}")


def _what(check: Check, language: Language) -> str:
    kind, _, rest = check.what.partition(" ")
    if language == "zh":
        named = check.of.zh if check.of is not None and check.of.name == rest else ""
        kind, rest = KEYS.get(kind, kind), named or check.words.get(rest, rest)
    return " ".join(part for part in (kind, rest) if part)


def _shown(check: Check, language: Language) -> tuple[str, str]:
    return _value(check, check.expected, language), _value(check, check.got, language)


def _value(check: Check, value: Outcome, language: Language) -> str:
    if value is None or value == "":
        return "无" if language == "zh" else "nothing"
    if check.of is not None:
        return value_text(check.of, value, language)
    if isinstance(value, str):
        return _WORD.sub(lambda word: check.words.get(word[0], word[0]), value) if language == "zh" else value
    return number_text(value)


def _case_data(result: CaseResult, language: Language) -> dict[str, Any]:
    checks = []
    for check in result.checks:
        expected, got = _shown(check, language)
        checks.append({"what": check.what, "expected": expected, "got": got, "holds": check.holds})
    place = result.case.location
    return {"name": result.case.name, "at": f"{place.path}:{place.line}", "passed": result.passed, "checks": checks}
