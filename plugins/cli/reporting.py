"""The reports of the bank: what ran out is booked, what ends soon is told, merchants and suppliers are settled with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.finding import Day, county_at, day_to_act, rulebook_for, where
from lianxing.plugins.cli.main import UNUSABLE
from lianxing.plugins.cli.speaking import Say, Speaker, common

if TYPE_CHECKING:
    from lianxing.engine.bank.ending import Ended

STAGES = {"ended": ("到期处理（人）", "people")}


def expire(say: Say) -> click.Command:
    """Return the command that books what has run out."""

    @click.command(
        "expire",
        help=say(
            "把 --on 之前到期的积分、时长和预留记为失效，到日的规则衔接、星级奖励积分一并入账；可中断再来，重复无妨。",
            "Book what ended before the day --on: points, hours, reservations; and up to it what changes of rules do "
            "and stars bring. It may be broken off and begun again.",
        ),
    )
    @where(say)
    @click.option("--on", required=True, type=Day(say), help=say("哪一天之前。", "Before which day."))
    @click.option("--dry-run", is_flag=True, help=say("只看结果，什么都不写。", "Tell what would end; write nothing."))
    @common(say)
    def expire(county: str, database: str, on: date, dry_run: bool, as_json: bool) -> int:
        from lianxing.engine.bank.booking import UNITS
        from lianxing.engine.bank.ending import end_all
        from lianxing.engine.ledger.opening import open_ledger
        from lianxing.plugins.host import Host

        speaker = Speaker(say, as_json)
        _folder, policy = county_at(Host(), county)
        day_to_act(policy, on, ahead=dry_run)
        units = {account.clause.id: UNITS[account.unit] for account in policy.accounts}
        with (
            open_ledger(database, create=False) as ledger,
            rulebook_for(policy, speaker) as rulebook,
            speaker.progress(STAGES) as progress,
        ):
            ended = end_all(ledger, rulebook, on, lambda people: progress("ended", people), dry_run=dry_run)
        _tell_ended(speaker, ended, units, on, dry_run=dry_run)
        county_and_day = {"county": policy.county.id, "on": on.isoformat(), "dry_run": dry_run}
        speaker.data({**county_and_day, **_ended_data(ended, units, say)})
        return UNUSABLE if ended.damaged else 0

    return expire


def _tell_ended(speaker: Speaker, ended: Ended, units: Mapping[str, str], on: date, *, dry_run: bool) -> None:
    """Say what a run has ended, and what else it has booked."""
    from lianxing.engine.amounts import amount_text, counted

    say = speaker.say
    if dry_run:
        speaker.line(say("试运行：什么都没有记入。", "dry run: nothing was written"))
    speaker.line(
        say(
            f"{on} 之前到期：{ended.people:,} 人，预留 {ended.holds:,} 笔",
            f"ended before {on}: {counted(ended.people, 'person', 'people')}, "
            f"{counted(ended.holds, 'reservation', 'reservations')}",
        )
    )
    for account, amount in sorted(ended.amounts.items()):
        speaker.line(f"  {account}{say('：', ': ')}{amount_text(units[account], amount, say.language)}")
    for account, amount in sorted(ended.stars.items()):
        came = say("，随星级存入：", ", came in with stars: ")
        speaker.line(f"  {account}{came}{amount_text(units[account], amount, say.language)}")
    for account, amount in sorted(ended.changed.items()):
        by = amount_text(units[account], abs(amount), say.language)
        less = say("，因规则衔接减少：", ", less by a change of rules: ")
        more = say("，因规则衔接增加：", ", more by a change of rules: ")
        speaker.line(f"  {account}{less if amount >= 0 else more}{by}")
    if ended.kept:
        stay = counted(len(ended.kept), "reservation", "reservations")
        speaker.line(
            say(
                f"  另有 {len(ended.kept):,} 笔过期预留仍保留，需求未了结（逾期的由 lianxing request expire 办结）",
                f"  {stay} after the last day kept for requests that are still open; "
                "lianxing request expire ends those that are overdue",
            )
        )
    for error in ended.damaged.values():
        speaker.aside(error.text(say.language))


def _ended_data(ended: Ended, units: Mapping[str, str], say: Say) -> dict[str, Any]:
    from lianxing.engine.statement_data import exact

    def amounts(found: Mapping[str, int]) -> dict[str, dict[str, Any]]:
        return {
            account: {"unit": units[account], "amount": exact(units[account], amount)}
            for account, amount in sorted(found.items())
        }

    return {
        "people": ended.people,
        "holds": ended.holds,
        "kept": [{"volunteer": id, "entry": entry} for id, entry in sorted(ended.kept)],
        "amounts": amounts(ended.amounts),
        "changed": amounts(ended.changed),
        "stars": amounts(ended.stars),
        "damaged": [error.text(say.language) for error in ended.damaged.values()],
    }


NOTICE_COLUMNS = ("volunteer", "account", "unit", "amount", "earned_on", "last_day", "taken_by")


def notices(say: Say) -> click.Command:
    """Return the command that tells whose points end soon."""

    @click.command(
        "notices",
        help=say(
            "列出自 --on 起 --within 天内有积分或时长到期的人，便于提前告知。",
            "List whose points or hours end from the day --on within so many days, so that they can be told before.",
        ),
    )
    @where(say)
    @click.option("--on", required=True, type=Day(say), help=say("自哪一天起。", "From which day on."))
    @click.option(
        "--within",
        metavar="DAYS",
        required=True,
        type=click.IntRange(0, 36_500),
        help=say("多少天内。", "Within how many days."),
    )
    @click.option("--csv", "as_csv", is_flag=True, help=say("输出 CSV。", "As CSV."))
    @common(say)
    def notices(county: str, database: str, on: date, within: int, as_csv: bool, as_json: bool) -> None:
        from lianxing.engine.bank.noticing import notices as find
        from lianxing.engine.ledger.opening import open_ledger
        from lianxing.engine.statement_data import ending_data
        from lianxing.engine.statement_sentences import ending_sentence
        from lianxing.plugins.cli.sheets import sheet
        from lianxing.plugins.host import Host

        speaker = Speaker(say, as_json)
        _folder, policy = county_at(Host(), county)
        with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
            found = list(find(ledger, rulebook, on, within))
        told: list[dict[str, Any]] = [
            {"volunteer": notice.volunteer, "ending": [ending_data(lot) for lot in notice.ending]} for notice in found
        ]
        if as_csv and not as_json:
            rows = (
                {
                    "volunteer": one["volunteer"],
                    "account": lot["account"],
                    "unit": lot["unit"],
                    "amount": lot["remaining"],
                    "earned_on": lot["earned_on"],
                    "last_day": lot["last_day"],
                    "taken_by": (lot["taken_by"] or {}).get("clause", ""),
                }
                for one in told
                for lot in one["ending"]
            )
            click.echo(sheet(NOTICE_COLUMNS, rows, ("amount",)), nl=False)
            return
        for notice in found:
            speaker.line(say(f"志愿者 {notice.volunteer}", f"volunteer {notice.volunteer}"))
            for lot in notice.ending:
                speaker.line(f"  {ending_sentence(lot, say.language)}")
        speaker.line(say(f"共 {len(found):,} 人", f"{len(found):,} people"))
        speaker.data({"county": policy.county.id, "on": on.isoformat(), "within_days": within, "people": told})

    return notices


def settlement(say: Say) -> click.Command:
    """Return the command that tells what merchants and suppliers are owed."""

    @click.command(
        "settlement",
        help=say(
            "按商户和供应方结算：期内交付、退回、领取的份数和金额，期末尚在预留的，供应方还差多少。",
            "What merchants and suppliers are owed: units and amounts handed over, given back and fetched in the "
            "period, what is reserved at its end, what suppliers still have to supply.",
        ),
    )
    @where(say)
    @click.option("--since", required=True, type=Day(say), help=say("自哪一天。", "The first day."))
    @click.option("--until", required=True, type=Day(say), help=say("至哪一天。", "The last day."))
    @click.option(
        "--supplied",
        multiple=True,
        metavar="PROVIDER=YUAN",
        help=say("供应方本期已供应多少元，可写多次。", "What a supplier has supplied, in yuan; may be said again."),
    )
    @click.option("--csv", "as_csv", is_flag=True, help=say("输出 CSV。", "As CSV."))
    @common(say)
    def settlement(
        county: str, database: str, since: date, until: date, supplied: tuple[str, ...], as_csv: bool, as_json: bool
    ) -> None:
        from lianxing.engine.bank.settling import settlement as settle
        from lianxing.engine.ledger.opening import open_ledger
        from lianxing.engine.settlement_data import COLUMNS, NUMBERS, settlement_data, settlement_rows
        from lianxing.engine.settlement_data import settlement_sentences as sentences
        from lianxing.plugins.cli.sheets import sheet
        from lianxing.plugins.host import Host

        speaker = Speaker(say, as_json)
        if since > until:
            raise click.UsageError(say("--since 晚于 --until。", "--since is later than --until."))
        amounts = dict(_supplied(one, say) for one in supplied)
        _folder, policy = county_at(Host(), county)
        known = list(dict.fromkeys(one.provider for offer in policy.offers for one in offer.suppliers))
        for provider in amounts.keys() - set(known):
            raise click.UsageError(
                say(
                    f"没有供应方“{provider}”；有：{'、'.join(known) or '-'}",
                    f"there is no supplier '{provider}'; there are: {', '.join(known) or '-'}",
                )
            )
        with open_ledger(database, create=False) as ledger, rulebook_for(policy, speaker) as rulebook:
            found = settle(ledger, rulebook, since, until, amounts)
        if as_csv and not as_json:
            click.echo(sheet(COLUMNS, settlement_rows(found, say.language), NUMBERS), nl=False)
            return
        for sentence in sentences(found, say.language):
            speaker.line(sentence)
        speaker.data(settlement_data(found))

    return settlement


def _supplied(text: str, say: Say) -> tuple[str, int]:
    from lianxing.rules.quantities import decimal

    provider, _, yuan = text.rpartition("=")
    amount = decimal(yuan)
    if not provider or amount is None or Fraction(amount * 100).denominator != 1:
        raise click.UsageError(
            say(f"“{text}”须写作 供应方=元数。", f"'{text}' has to be a provider and yuan, such as the shop=120.50.")
        )
    return provider, int(amount * 100)
