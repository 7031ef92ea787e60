"""One person as the bank sees them: who they are, where they stand, what is in their accounts, what they had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from lianxing.engine.bank.arrivals import Arrived, KeptOut, arrived_in
from lianxing.engine.bank.booking import UNITS, account_name, noted_in
from lianxing.engine.bank.closings import closings
from lianxing.engine.bank.lowering import lowerings_by, lowers, touches_in
from lianxing.engine.bank.sharing import POOL, is_person
from lianxing.engine.bank.steps import REVIEW, asks_awards, awards_of
from lianxing.engine.bank.terms import account_gone
from lianxing.engine.carrying import life_from
from lianxing.engine.closings import OPEN, Closings
from lianxing.engine.facts import EVERYTHING, person_facts
from lianxing.engine.freezing import HistoryNeededError
from lianxing.engine.ledger.drafts import Draft
from lianxing.engine.ledger.holdings import About, Had, LotRow, WalletRows, asks_for_any
from lianxing.engine.ledger.reading import Reading
from lianxing.engine.ledger.touching import touch_of_draft
from lianxing.engine.recounting import as_counted
from lianxing.engine.rulebook import MeasureValue, Rulebook
from lianxing.engine.sanctions import sanction_facts
from lianxing.engine.standings import measures_of, standing, standing_after
from lianxing.engine.touches import Touch
from lianxing.engine.wallet import DEBT, Hold, Lot, Wallet
from lianxing.engine.wallets import parts_paid
from lianxing.rules.accounts import Account, Borrow
from lianxing.rules.facts import CountyId, FactValue, VolunteerId
from lianxing.rules.places import Clause
from lianxing.rules.policy import Policy
from lianxing.rules.records import Volunteer
from lianxing.rules.redeeming import Taken
from lianxing.rules.sanctions import Effects, OnAsset
from lianxing.rules.standings import Standing


@dataclass
class Customer:
    """A person at the counter. Wallets change as commands are decided; what they say is then written."""

    rulebook: Rulebook
    person: Volunteer
    rows: WalletRows
    balances: Mapping[tuple[str, str], int]
    had: list[Had]
    stands: Callable[[Volunteer, date, Sequence[Touch] | None], Standing]  # without touches: nothing is lowered
    closings: Closings = OPEN
    number: int = 0  # of the last entry of the passbook, those not yet written included
    arrivals: Callable[[], Arrived] = dict  # what entries say of what has arrived, where it is asked
    _wallets: dict[str, Wallet] = field(default_factory=dict)
    _with_ended: set[str] = field(default_factory=set)
    _standings: dict[date, Standing] = field(default_factory=dict)
    _touches: list[Touch] = field(default_factory=list)  # of entries that are not written yet
    _arrived: Arrived | None = None
    _kept_out: Arrived = field(default_factory=dict)  # by entries that are not written yet

    @property
    def owner(self) -> tuple[VolunteerId, CountyId]:
        return self.person.id, self.rulebook.policy.county.id

    def account(self, id: str) -> Account | None:
        return next((account for account in self.rulebook.policy.accounts if account.clause.id == id), None)

    def account_kept(self, id: str) -> Account | None:
        """Return an account, also one that the county has no more: what is open of it can still end."""
        found = self.account(id)
        unit = next((unit for account, unit in self.balances if account.partition("/")[0] == id), None)
        return found or (None if unit is None else account_gone(self.rulebook.policy.county.clause, id, unit))

    @property
    def accounts_held(self) -> list[Account]:
        """The accounts of the county, and those that it has no more of which something is reserved."""
        accounts = list(self.rulebook.policy.accounts)
        gone = {hold.account for hold in self.rows.holds} - {account.clause.id for account in accounts}
        return accounts + [account for id in sorted(gone) if (account := self.account_kept(id)) is not None]

    @property
    def wallets_holding(self) -> list[Wallet]:
        """The wallets in which something may be reserved: by what the ledger holds, or since."""
        holding = {hold.account for hold in self.rows.holds} | self._wallets.keys()
        return (
            [self.wallet(account) for account in self.accounts_held if account.clause.id in holding] if holding else []
        )

    def wallet(self, account: Account, *, ended: bool = False) -> Wallet:
        """Return the person's wallet of an account; with `ended` it knows what had ended of its lots."""
        id = account.clause.id
        found = self._wallets.get(id)
        if found is None:
            found = self._wallets[id] = wallet_from(account, self.rows, self.balances)
        if ended and id not in self._with_ended:
            self._with_ended.add(id)
            add_ended(found, self.rows)
        return found

    @property
    def lent_by(self) -> list[VolunteerId]:
        """The pools to which something is owed, whether an account still borrows from them or not."""
        owing = [noted_in(noted).loans or {} for drawn, _rest, noted in self.rows.besides.values() if drawn]
        return [VolunteerId(f"{POOL}{pool}") for loans in owing for pool in loans]

    def kept_out(self, account: Account, source: str) -> KeptOut | None:
        """Return what an account has not taken in of a record that others have brought."""
        key = account.clause.id, source
        if key in self._kept_out:
            return self._kept_out[key]
        if self._arrived is None:
            self._arrived = self.arrivals()
        return self._arrived.get(key)

    def keeps_out(self, account: Account, source: str, what: KeptOut) -> None:
        """Note what an account has not taken in of a record by now."""
        self._kept_out[account.clause.id, source] = what

    def standing(self, on: date) -> Standing:
        """Return where the person stands on a day."""
        found = self._standings.get(on)
        if found is None:
            found = self._standings[on] = self.stands(self.person, on, self._touches)
        return found

    def unlowered(self, on: date) -> Standing:
        """Return where the person would stand if nothing that was spent or has expired lowered what a star rests on."""
        return self.stands(self.person, on, None) if lowers(self.rulebook) else self.standing(on)

    def touched_by(self, draft: Draft) -> None:
        """Note what is to be written for the person, where it lowers what their star rests on."""
        if lowers(self.rulebook) and draft.volunteer == self.person.id:
            self._touches.append(touch_of_draft(draft))
            self._standings = {}

    def frozen_by(self, account: Account, on: date) -> Clause | None:
        """Return by which clause of a sanction nothing of an account can be used on a day."""
        freezes = self.rulebook.once(_freezing) and is_person(self.person.id)
        return self.standing(on).conduct.freezes(account.unit) if freezes else None

    @contextmanager
    def sanctioned(self, on: date) -> Iterator[None]:
        """Let the person's wallets know meanwhile what sanctions have made worthless of them by a day."""
        wallets = []
        if cancels(self.rulebook) and is_person(self.person.id):
            conduct = self.standing(on).conduct
            for account in self.accounts_held:
                wallets.append(self.wallet(account))
                wallets[-1].cancelled_to = conduct.cancelled_to(account.unit) or date.min
        try:
            yield
        finally:
            for wallet in wallets:
                wallet.cancelled_to = date.min

    def conduct(self, on: date) -> Effects:
        """Return what sanctions have come to; where the county has none, nobody's history is looked at."""
        return self.standing(on).conduct.effects if self.rulebook.policy.sanctions else Effects()

    def facts(self, on: date) -> dict[str, FactValue]:
        """Return the facts of the person and of the day, with what sanctions have come to."""
        person = {**person_facts(self.person, on, EVERYTHING), **self.rulebook.calendar.facts(on, EVERYTHING)}
        return {**person, **sanction_facts(self.conduct(on))}

    def measures(self, on: date) -> dict[str, MeasureValue]:
        return measures_of(self.standing(on))

    @property
    def taken(self) -> list[Taken]:
        """What the person had before, as offers and perks ask it."""
        return [Taken(had.offer, had.on, had.units, had.merchant, had.paid) for had in self.had]


def _freezing(policy: Policy) -> bool:
    return any(OnAsset.FROZEN in (one.effects.points, one.effects.hours) for one in policy.sanctions)


def cancels(rulebook: Rulebook) -> bool:
    """Tell whether a sanction of the county makes worthless what was earned before."""
    return bool(rulebook.once(_cancelling))


def _cancelling(policy: Policy) -> bool:
    return any(OnAsset.CANCELLED in (one.effects.points, one.effects.hours) for one in policy.sanctions)


def nowhere(person: Volunteer, on: date, _touches: Sequence[Touch] | None) -> Standing:
    """Stand in for where somebody stands, where only their accounts are asked about."""
    raise AssertionError(f"nobody asks where {person.id} stands on {on}")


def lot_of(row: LotRow) -> Lot:
    """Return a lot as it stands in the ledger; what has ended of it is not looked at."""
    return Lot(row.number, row.earned_on, row.ends, row.original, row.remaining, row.source)


def wallet_from(account: Account, rows: WalletRows, balances: Mapping[tuple[str, str], int]) -> Wallet:
    """Return the wallet of an account from what the ledger holds of it."""
    id = account.clause.id
    wallet = Wallet(account)
    for row in rows.lots:
        if row.account == id:
            wallet.lots[row.number] = lot_of(row)
    for held in rows.holds:
        if held.account == id:
            parts = parts_paid(rows.taken.get(held.entry, []), held.amount)
            wallet.holds[held.entry] = Hold(held.entry, held.amount, held.until, tuple(parts))
    wallet.debt = -balances.get((account_name(id, DEBT), UNITS[account.unit]), 0)
    drawn, rest, issued = rows.besides.get(id, (0, 0, "[]"))
    wallet.drawn, wallet.rest = drawn, rest
    wallet.issued, wallet.turned, wallet.stars, wallet.covers, loans = noted_in(issued)
    if loans is not None:
        wallet.loans = loans
    elif drawn and isinstance(account.overdraft, Borrow):
        wallet.loans = {account.overdraft.account: drawn}
    return wallet


def add_ended(wallet: Wallet, rows: WalletRows) -> None:
    """Let a wallet know what had ended of its lots, once: something of them is to be taken back, or of another day."""
    for row in rows.ended():
        if row.account == wallet.account.clause.id:
            wallet.lots.setdefault(row.number, lot_of(row)).expired += row.expired


def customers(
    reading: Reading,
    rulebook: Rulebook,
    people: Iterable[VolunteerId],
    *,
    parts: bool | date = True,
    about: About | None = None,
) -> dict[VolunteerId, Customer]:
    """Return these people as the bank sees them; `parts` where something that is held may be let go.

    With a day for `parts` only what was reserved until a day before it may be; `about` what of all that they had is
    asked, where it is not all.

    Where they stand is worked out only when a rule asks for it.
    """
    ids = list(dict.fromkeys(people))
    county: CountyId = rulebook.policy.county.id
    owners = [(id, county) for id in ids]
    known = reading.volunteers(ids)
    rows = reading.wallet_rows(owners, parts=parts)
    none_asked = about is not None and not asks_for_any(about, rows.values())
    had = {} if none_asked else reading.redemptions(owners, about)
    closed = closings(reading, county, ids)
    balances = reading.balances_of(owners)
    reviews = reading.notes(owners, REVIEW) if asks_awards(rulebook.policy) else {}

    touches = touches_in(reading, rulebook, owners)

    def stands(person: Volunteer, on: date, later: Sequence[Touch] | None) -> Standing:
        said = reviews.get((person.id, county), ())
        by = () if later is None else lowerings_by(rulebook, [*touches.get((person.id, county), ()), *later])
        state = None
        if not said and not by:
            state = reading.fold_states(county, rulebook.policy.digest, [person.id]).get(person.id)
        life = None if state is None else life_from(rulebook, person, state, on)
        if life is not None:
            with suppress(HistoryNeededError):
                return standing_after(rulebook, person, life, on)
        history = [as_counted(one) for one in reading.histories(county, [person.id])[person.id]]
        return standing(rulebook, person, history, on, awards_of(rulebook, person, history, said, by), by)

    return {
        id: Customer(
            rulebook=rulebook,
            person=known.get(id, Volunteer(id)),
            rows=rows.get((id, county), WalletRows()),
            balances=balances.get((id, county), {}),
            had=had.get((id, county), []),
            stands=stands,
            closings=closed.get(id, OPEN),
            arrivals=partial(arrived_in, reading, county, id),
        )
        for id in ids
    }
