"""`lianxing bank`: the counter of the bank, one command for each thing that may be asked, and its reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from lianxing.plugins.cli.finding import Day, county_at, where
from lianxing.plugins.cli.reporting import expire, notices, settlement
from lianxing.plugins.cli.serving import Request, serve
from lianxing.plugins.cli.speaking import Options, Say, Speaker, common, options
from lianxing.plugins.cli.words import RELATION_WORDS, Word, choices, spelled
from lianxing.plugins.host import Host
from lianxing.rules.accounts import Purpose, Recipient, Unit
from lianxing.rules.closures import ClosingEvent
from lianxing.rules.commands import (
    Approve,
    Bring,
    Close,
    Command,
    Declare,
    Decline,
    Fetch,
    Give,
    Grant,
    Redeem,
    Refund,
    Release,
    Reopen,
    Reserve,
    Settle,
    UsePerk,
)
from lianxing.rules.facts import CountyId, FactType, VolunteerId
from lianxing.rules.families import Relation
from lianxing.rules.perks import Beneficiary
from lianxing.rules.problems import PolicyError
from lianxing.rules.quantities import amount as amount_of
from lianxing.rules.redemption import PickUp

if TYPE_CHECKING:
    from lianxing.rules.policy import Policy

_Said = dict[str, Any]
Made = Callable[["Policy", _Said, _Said], Command]


def command(say: Say) -> click.Command:
    group = click.Group(
        "bank",
        help=say(
            "存折业务。每个请求有编号（--key），同一编号只办一次；按条文不办的也记入存折，并说明条款。"
            "各命令都可加 --json。",
            "The counter of the bank. Every request has a key (--key) and is done once for it; what a clause refuses "
            "is kept in the passbook too, with the clause. Every command takes --json.",
        ),
    )
    group.params.append(
        click.Option(["--lang"], type=click.Choice(["zh", "en"]), expose_value=False, help=say("语言。", "Language."))
    )
    of_offers = (_redeem, _settle, _release, _approve, _decline, _refund, _fetch, _use_perk)
    of_accounts = (_reserve, _give, _grant, _close, _reopen, _declare, _bring)
    for one in (*of_offers, *of_accounts, expire, notices, settlement):
        group.add_command(one(say))
    return group


# --- offers and perks --------------------------------------------------------------------------------------------


def _redeem(say: Say) -> click.Command:
    return _asking(
        say,
        "redeem",
        "兑换一项；账户有预留期的先预留，结清后才算兑换。",
        "Redeem an offer; where the account reserves, it is reserved until it is settled.",
        (click.argument("offer"), _units(say), _merchant(say), _drawing(say)),
        lambda _policy, whose, more: Redeem(**whose, **more, family=bool(more["member"])),
    )


def _settle(say: Say) -> click.Command:
    amount = click.option("--amount", help=say("实际用去，如 “1.5 小时”。", "What was used: '1.5 hours'."))

    def made(_policy: Policy, whose: _Said, more: _Said) -> Command:
        used = None if more["amount"] is None else _amount(more["amount"], None, say)
        return Settle(**whose, entry=more["entry"], amount=used)

    return _asking(
        say,
        "settle",
        "结清第 ENTRY 号预留：已经交付。用得少于预留的，写 --amount。",
        "Settle the reservation of ENTRY: it was handed over. Where less was used, say --amount.",
        (_entry, amount),
        made,
    )


def _release(say: Say) -> click.Command:
    return _asking(
        say, "release", "取消第 ENTRY 号预留。", "Give back what ENTRY reserved.", (_entry,), _as_said(Release)
    )


def _approve(say: Say) -> click.Command:
    return _asking(
        say,
        "approve",
        "审批通过第 ENTRY 号预留；须写 --role 和 --actor。",
        "Approve what ENTRY reserved, for the body --role; say --actor too.",
        (_entry, _role(say)),
        _as_said(Approve),
    )


def _decline(say: Say) -> click.Command:
    return _asking(
        say,
        "decline",
        "审批不予通过第 ENTRY 号预留，原样退回；须写 --role、--actor 和 --reason。",
        "Decline what ENTRY reserved, for the body --role: it goes back. Say --actor and --reason too.",
        (_entry, _role(say)),
        _as_said(Decline),
    )


def _refund(say: Say) -> click.Command:
    return _asking(say, "refund", "退回第 ENTRY 号兑换。", "Undo the redemption of ENTRY.", (_entry,), _as_said(Refund))


def _fetch(say: Say) -> click.Command:
    shown = click.option(
        "--shown",
        multiple=True,
        type=Word(PickUp, say),
        help=say("出示了什么。", "What was shown; may be said again."),
    )
    return _asking(
        say,
        "fetch",
        "凭第 ENTRY 号兑换的凭证领取。",
        "Hand in the voucher of ENTRY.",
        (_entry, _merchant(say), shown),
        _as_said(Fetch),
    )


def _use_perk(say: Say) -> click.Command:
    for_whom = click.option(
        "--for-whom",
        type=Word(Beneficiary, say),
        default=choices(Beneficiary, say)[0],
        show_default=True,
        help=say("为谁。", "For whom."),
    )
    site = click.option("--site", default="", help=say("在哪里。", "Where."))
    issued_on = click.option(
        "--issued-on", type=Day(say), help=say("证或卡的发放日。", "When pass or card was issued.")
    )
    lent = click.option("--lent", is_flag=True, help=say("卡是借来的。", "The card is somebody else's."))
    return _asking(
        say,
        "use-perk",
        "使用一次礼遇。",
        "Use a perk once.",
        (click.argument("perk"), _units(say), for_whom, site, issued_on, lent),
        _as_said(UsePerk),
    )


# --- accounts ----------------------------------------------------------------------------------------------------


def _reserve(say: Say) -> click.Command:
    purpose = click.option(
        "--for",
        "purpose",
        required=True,
        type=Word(Purpose, say),
        help=say("用于什么。", "What for."),
    )
    return _asking(
        say,
        "reserve",
        "在账户中预留，AMOUNT 如 “2 小时”、“3 分”。",
        "Reserve an amount of an account: '2 hours', '3 points'.",
        (*_of_account, purpose, _drawing(say)),
        lambda policy, whose, more: Reserve(
            **whose,
            **_asked_of(policy, more, say),
            purpose=more["purpose"],
            family=bool(more["member"]),
            member=VolunteerId(more["member"]),
        ),
    )


def _give(say: Say) -> click.Command:
    to_whom = click.option(
        "--to",
        "to_whom",
        required=True,
        type=Word(Recipient, say),
        help=say("转给什么人。", "To whom, as the account says it."),
    )
    recipient = click.option("--recipient", default="", help=say("收下的志愿者。", "The volunteer who receives it."))
    return _asking(
        say,
        "give",
        "转给他人（--recipient）或公益池，AMOUNT 如 “2 小时”、“3 分”。",
        "Give an amount to somebody (--recipient) or to the pool: '2 hours', '3 points'.",
        (*_of_account, to_whom, recipient),
        lambda policy, whose, more: Give(
            **whose,
            **_asked_of(policy, more, say),
            to_whom=more["to_whom"],
            recipient=VolunteerId(more["recipient"]),
        ),
    )


def _grant(say: Say) -> click.Command:
    return _asking(
        say,
        "grant",
        "按办法发放，AMOUNT 如 “2 小时”。",
        "Put in what a fund gives: '2 hours'.",
        _of_account,
        lambda policy, whose, more: Grant(**whose, **_asked_of(policy, more, say)),
    )


def _close(say: Say) -> click.Command:
    event = click.option(
        "--event",
        required=True,
        type=Word(ClosingEvent, say),
        help=say("因何销户。", "Why it is closed."),
    )
    heir = click.option(
        "--heir",
        default="",
        help=say("身故时由谁继承，须是已申报的家属。", "Who inherits on death: of the declared family."),
    )
    return _asking(
        say,
        "close-passbook",
        "销户：各账户余额按办法处理。",
        "Close the passbook: what is left goes where the policy says.",
        (event, heir),
        lambda _policy, whose, more: Close(**whose, event=more["event"], heir=VolunteerId(more["heir"])),
    )


def _reopen(say: Say) -> click.Command:
    return _asking(
        say,
        "reopen-passbook",
        "重新启用已销户的存折：持有人迁回，或按办法重新加入；身故的不再启用。",
        "Open a closed passbook again: its holder has moved back, or may come back; never after a death.",
        (),
        lambda _policy, whose, _more: Reopen(**whose),
    )


def _declare(say: Say) -> click.Command:
    relations = _relations(say)
    members = click.option(
        "--member",
        "members",
        multiple=True,
        metavar="ID=RELATION",
        help=say(
            f"志愿者编号=关系（{relations}），可写多次。",
            f"An id and who that is ({relations}); may be said again.",
        ),
    )
    return _asking(
        say,
        "declare",
        "申报家属，代替以前所报的；一个也不写，即为没有。",
        "Declare the family, in place of what was declared before; with no --member, that there is none.",
        (members,),
        lambda _policy, whose, more: Declare(**whose, family=tuple(_member(one, say) for one in more["members"])),
    )


def _bring(say: Say) -> click.Command:
    from_county = click.option(
        "--from", "from_county", required=True, help=say("从哪个县区转来。", "The county it left.")
    )
    entry = click.option(
        "--entry",
        type=click.IntRange(1, 2**53),
        required=True,
        help=say("在那里的存折第几号转出。", "The entry of the passbook there under which it left."),
    )
    account = click.option(
        "--account",
        default="",
        help=say("转入哪个账户，缺省为单位相同的第一个。", "Where to; by default the first of its unit."),
    )
    return _asking(
        say,
        "bring",
        "把销户时随人转移的余额转入本县，各批日期不变；在本县转出而未转走的亦可。",
        "Bring what left when a passbook was closed, in another county or in this one; its days stay what they were.",
        (from_county, entry, account),
        lambda _policy, whose, more: Bring(**whose, **{**more, "from_county": _county(more["from_county"])}),
    )


# --- what they share ---------------------------------------------------------------------------------------------

_entry = click.argument("entry", type=click.IntRange(1, 2**53))
_of_account = (click.argument("account"), click.argument("amount"))


def _units(say: Say) -> Options:
    return click.option("--units", type=int, default=1, show_default=True, help=say("几份。", "How many."))


def _merchant(say: Say) -> Options:
    return click.option("--merchant", default="", help=say("在哪个商户。", "At which merchant."))


def _drawing(say: Say) -> Options:
    return click.option(
        "--member",
        default="",
        metavar="ID",
        help=say("由哪位已申报的家庭成员使用。", "Which member of the declared family asks, if one does."),
    )


def _role(say: Say) -> Options:
    return click.option("--role", default="", help=say("代表哪个单位审批。", "For which body it is decided."))


def _as_said(of: Callable[..., Command]) -> Made:
    """Make a command of what was said, word for word."""
    return lambda _policy, whose, more: of(**whose, **more)


def _asked_of(policy: Policy, more: _Said, say: Say) -> _Said:
    """Return which account is meant, and the amount in its unit."""
    account = more["account"]
    return {"account": account, "amount": _amount(more["amount"], _unit(policy, account), say)}


def _asking(say: Say, name: str, zh: str, en: str, parameters: tuple[Options, ...], made: Made) -> click.Command:
    """Return the command of the counter that asks one command of the bank."""

    def ask(
        volunteer: str,
        county: str,
        database: str,
        on: date | None,
        scope: str,
        key: str | None,
        actor: str,
        reason: str,
        dry_run: bool,
        wait_seconds: int,
        as_json: bool,
        **more: Any,
    ) -> int:
        request = Request(county, database, volunteer, on, scope, key, actor, reason, dry_run, wait_seconds)
        return serve(Speaker(say, as_json), request, lambda policy, whose: made(policy, whose, more))

    asks = options(click.argument("volunteer"), *parameters, _every_request(say), common(say))(ask)
    made_command: click.Command = click.command(name, help=say(zh, en))(asks)
    return made_command


def _every_request(say: Say) -> Options:
    """Add where a request is made, when, by whom, and under which key."""
    return options(
        where(say),
        click.option("--on", type=Day(say), help=say("哪一天，缺省为今天。", "On which day; by default today.")),
        click.option("--key", help=say("请求编号，缺省新编一个。", "The key of the request; by default a new one.")),
        click.option("--scope", default="counter", show_default=True, help=say("谁的编号。", "Whose keys they are.")),
        click.option("--actor", default="", help=say("经办人。", "Who acts; kept with the entry.")),
        click.option("--reason", default="", help=say("事由。", "Why; kept with the entry.")),
        click.option(
            "--dry-run", is_flag=True, help=say("只看结果，什么都不写。", "Tell what would happen; write nothing.")
        ),
        click.option(
            "--wait",
            "wait_seconds",
            type=click.IntRange(0, 3600),
            default=30,
            show_default=True,
            help=say("台账忙时等几秒。", "How many seconds to wait for a busy ledger."),
        ),
    )


def _relations(say: Say) -> str:
    return ", ".join(choices(Relation, say, RELATION_WORDS))


def _member(text: str, say: Say) -> tuple[VolunteerId, Relation]:
    """Return a member of the family from `ID=RELATION`."""
    id, _, word = text.rpartition("=")
    relation = spelled(Relation, RELATION_WORDS).get(word)
    if not id or relation is None:
        raise click.UsageError(
            say(
                f"“{text}”须写作 志愿者编号=关系，关系是：{_relations(say)}。",
                f"'{text}' has to be an id and a relation, such as V2=spouse; relations are {_relations(say)}.",
            )
        )
    return VolunteerId(id), relation


def _county(where: str) -> CountyId:
    """Return the id of a county; of one whose files are not at hand, the id as it was written."""
    try:
        return county_at(Host(), where)[1].county.id
    except PolicyError:
        return CountyId(where)


def _unit(policy: Policy, account: str) -> Unit | None:
    return next((one.unit for one in policy.accounts if one.clause.id == account), None)


def _amount(text: str, unit: Unit | None, say: Say) -> int:
    """Return an amount in its unit; where the account is not known, whichever unit is written with it."""
    types = (FactType.POINTS, FactType.DURATION) if unit is None else (unit.type,)
    found = next((value for type in types if (value := amount_of(text, type)) is not None), None)
    if found is None:
        raise click.UsageError(
            say(
                f"“{text}”不是此账户的数额（如 “2 小时”、“3.5 分”；至多精确到 1 秒、0.01 分）。",
                f"'{text}' is no amount of this account, such as '2 hours' or '3.5 points'; "
                "nothing is finer than a second, or 0.01 points.",
            )
        )
    return found
