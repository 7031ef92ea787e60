"""The bank as a clerk with a box of coins would keep it: every hundredth, every minute is a coin of its own.

Nothing here is clever, and nothing of it is taken from the bank: a coin knows the day on which it was earned and the
last day on which it is there; a box has coins in it, coins set aside, and a number of coins that are owed. A coin is
`grain` units of the ledger: 1 hundredth of a point, or 60 seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

FOR_EVER = date.max


def months_later(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    last = (date((month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(month // 12, month % 12 + 1, min(day.day, last))


@dataclass(frozen=True)
class BoxRules:
    """What the county says of an account, in coins."""

    grain: int
    ends: Callable[[date], date]  # the last day of what was earned on a day
    first: str = "oldest"  # or newest, soonest
    most: int | None = None
    floor: int = 0
    to_friends: bool = False
    to_pool: bool = False
    shortfall: str = "debt"  # or clamp, forbid: written off, or nothing is taken that is not there
    hold_days: int | None = None
    gone_after_redemption: bool = False
    whole: int = 1  # only so many coins at once are credited; the rest waits
    grant: int | None = None  # once in a year
    closes: bool = True
    for_goods: bool = True


@dataclass(frozen=True)
class OfferRules:
    """What the county says of an offer; `price` in coins."""

    box: str
    price: int
    stock: int | None = None
    a_year: int | None = None  # units for one person
    irreversible: bool = False
    voucher_months: int | None = None
    half_in_money: bool = False
    watermark: bool = False
    by_time: bool = False  # is paid for as long as it was served
    identity: bool = False  # is checked when the goods are fetched


@dataclass
class Coin:
    deposit: int
    earned_on: date
    last_day: date
    source: str
    only_held: bool = False  # it is gone when what holds it lets go


@dataclass
class Substitute:
    """For a coin that somebody had spent when it turned out that it should not have been there: the one that is gone
    in its place; None as long as it is owed."""

    source: str
    earned_on: date
    last_day: date
    coin: Coin | None


@dataclass
class Hold:
    until: date
    coins: list[Coin | None]  # None: a coin that was not there, and is owed


@dataclass
class Had:
    """Something redeemed: what was paid, coin by coin."""

    offer: str
    on: date
    units: int
    merchant: str
    paid: list[Coin | None]
    price: int
    fetched: bool = False


@dataclass
class Box:
    rules: BoxRules
    coins: list[Coin] = field(default_factory=list)
    holds: dict[int, Hold] = field(default_factory=dict)
    owed: int = 0
    waiting: int = 0
    granted: set[int] = field(default_factory=set)
    deposits: int = 0
    lost: list[Coin] = field(default_factory=list)  # that have ended
    overflowed: list[str] = field(default_factory=list)  # the source of each coin that had no room
    written_off: list[str] = field(default_factory=list)
    substitutes: list[Substitute] = field(default_factory=list)

    def there(self, today: date) -> list[Coin]:
        """The coins that may be spent, in the order in which they are."""
        found = [coin for coin in self.coins if coin.last_day >= today]
        keys: dict[str, Callable[[Coin], Any]] = {
            "oldest": lambda coin: (coin.earned_on, coin.deposit),
            "newest": lambda coin: (-coin.earned_on.toordinal(), coin.deposit),
            "soonest": lambda coin: (coin.last_day, coin.earned_on, coin.deposit),
        }
        return sorted(found, key=keys[self.rules.first])

    def available(self, today: date) -> int:
        return len(self.there(today)) - self.owed

    @property
    def held(self) -> int:
        return sum(len(hold.coins) for hold in self.holds.values())

    def pick(self, coins: list[Coin], count: int) -> list[Coin]:
        picked = coins[:count]
        for coin in picked:
            self.coins = [one for one in self.coins if one is not coin]
        return picked

    def put(self, coins: list[Coin], day: date, *, served: bool = False) -> None:
        """Coins come in, one after the other: no more than the box may hold, and what is owed is paid first."""
        room = len(coins) if self.rules.most is None else max(0, self.rules.most - self.available(day) - self.held)
        self.overflowed += [coin.source for coin in coins[room:]]
        for coin in coins[:room]:
            self.put_one(coin, served=served)

    def put_one(self, coin: Coin, *, served: bool = False) -> None:
        """A coin comes in; one that has a substitute sends that in. If it was served for, one of the same days does."""
        mine = [one for one in self.substitutes if one.source == coin.source]
        days = (coin.earned_on, coin.last_day)
        like = [one for one in self.substitutes if served and (one.earned_on, one.last_day) == days]
        worse = [one for one in like if one.coin is not None and (one.coin.earned_on, one.coin.last_day) != days]
        if mine:
            substitute = next((one for one in reversed(mine) if one.coin is None), mine[-1])
            self.substitutes = [one for one in self.substitutes if one is not substitute]
            if substitute.coin is None:
                self.owed -= 1
            else:
                self.put_one(substitute.coin)
        elif worse:
            back, worse[-1].coin = worse[-1].coin, coin
            assert back is not None
            self.put_one(back)
        elif self.owed:
            self.pay(coin)
        else:
            self.deposits += 1
            self.coins.append(Coin(self.deposits, coin.earned_on, coin.last_day, coin.source))

    def pay(self, coin: Coin) -> None:
        """A coin pays one that is owed: one that was overdrawn, or else it is the substitute from now on."""
        self.owed -= 1
        owed = [one for one in self.substitutes if one.coin is None]
        if len(owed) > self.owed:
            owed[0].coin = coin

    def earn(self, day: date, count: int, source: str, today: date) -> None:
        count += self.waiting
        self.waiting = count % self.rules.whole
        count -= self.waiting
        self.let_go(today)
        while count and source in self.written_off:  # nobody gets twice what was written off
            self.written_off.remove(source)
            count -= 1
        self.put([Coin(0, day, self.rules.ends(day), source) for _ in range(count)], day, served=True)

    def draw(self, count: int, today: date) -> list[Coin | None]:
        """Coins to be spent; what is not there is owed."""
        picked: list[Coin | None] = [*self.pick(self.there(today), count)]
        missing = count - len(picked)
        self.owed += missing
        return picked + [None] * missing

    def may_draw(self, count: int, today: date) -> bool:
        return count > 0 and (
            self.available(today) - count >= min(0, self.rules.floor) or count <= self.available(today)
        )

    def back(self, coins: list[Coin | None], today: date) -> None:
        """Coins go back as they were, or their substitutes do; what was owed for them, which was taken last, goes back
        first: it is owed no longer, or was paid since and is there."""
        for coin in sorted(coins, key=lambda coin: coin is not None):
            if coin is None:
                self.put_one(Coin(0, today, self.rules.ends(today), ""))
            elif any(one.source == coin.source for one in self.substitutes):
                self.put_one(coin)
            else:
                self.coins.append(coin)
        self.pay_what_is_owed(today)

    def pay_what_is_owed(self, today: date) -> None:
        for coin in self.pick(self.there(today), self.owed):
            self.pay(coin)

    def release(self, entry: int, today: date) -> None:
        coins = self.holds.pop(entry).coins
        self.lost += [coin for coin in coins if coin is not None and coin.only_held]
        self.back([coin for coin in coins if coin is None or not coin.only_held], today)

    def redeemed(self) -> None:
        if self.rules.gone_after_redemption:
            self.lost += self.coins
            self.coins = []
            for hold in self.holds.values():
                for coin in hold.coins:
                    if coin is not None:
                        coin.only_held = True

    def take_back(self, count: int, source: str, today: date, day: date) -> None:
        """What never came in comes from where it went; what has ended is lost already; what was spent, other coins."""
        count -= self.waiting
        self.waiting = -count % self.rules.whole
        count += self.waiting
        while count and source in self.overflowed:
            self.overflowed.remove(source)
            count -= 1
        self.let_go(today)
        theirs = [coin for coin in self.there(today) if coin.source == source]
        others = [coin for coin in self.there(today) if coin.source != source]
        ended = [coin for coin in self.lost if coin.source == source][: max(0, count - len(theirs))]
        self.lost = [coin for coin in self.lost if not any(coin is one for one in ended)]
        count -= len(ended)
        too_much = max(0, count - max(0, self.available(today) + self.held))
        gone: list[Coin | None] = [*self.pick(theirs + others, count)]
        left = count - len(gone)
        if self.rules.shortfall != "debt":
            self.written_off += [source] * min(too_much, left)
            left -= min(too_much, left)
        self.owed += left
        for coin in [*gone[len(theirs) :], *[None] * left]:
            self.substitutes.append(Substitute(source, day, self.rules.ends(day), coin))

    def redate(self, source: str, day: date, today: date) -> None:
        """What is left of it was earned on another day; what has ended by the wrong day may be there again."""
        self.let_go(today)
        theirs = [coin for coin in self.coins if coin.source == source and coin.earned_on != day]
        ended = [coin for coin in self.lost if coin.source == source and coin.earned_on != day]
        ended = [coin for coin in ended if coin.last_day < today]
        self.pick(theirs, len(theirs))
        self.lost = [coin for coin in self.lost if not any(coin is one for one in ended)]
        self.deposits += 1
        self.coins += [Coin(self.deposits, day, self.rules.ends(day), source) for _coin in theirs + ended]
        for substitute in self.substitutes:
            for one in (substitute, substitute.coin):
                if one is not None and one.source == source:
                    one.earned_on, one.last_day = day, self.rules.ends(day)
        self.pay_what_is_owed(today)

    def let_go(self, today: date) -> None:
        self.lost += [coin for coin in self.coins if coin.last_day < today]
        self.coins = [coin for coin in self.coins if coin.last_day >= today]

    def close(self, today: date) -> None:
        self.let_go(today)
        self.coins = []


@dataclass
class Person:
    boxes: dict[str, Box]
    had: dict[int, Had] = field(default_factory=dict)
    perks: list[date] = field(default_factory=list)
    closed: bool = False
    open_from: date = date.min  # the day on which it was opened again


@dataclass
class Record:
    person: str
    start: int  # minutes since some midnight: records are in the order of it
    day: date
    minutes: int
    category: str


@dataclass(frozen=True)
class CountyRules:
    boxes: dict[str, BoxRules]
    offers: dict[str, OfferRules]
    minutes_a_day: int
    hundredths_a_minute: int
    earned: dict[str, str]  # which box keeps points, which hours
    star_points: int  # hundredths for the first star
    perk_a_year: int


@dataclass
class County:
    """Everybody's boxes, and everything that may be asked; each question gives True where it was accepted."""

    rules: CountyRules
    today: date
    people: dict[str, Person] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    def meet(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = Person({box: Box(rules) for box, rules in self.rules.boxes.items()})
        return self.people[name]

    # --- records ---

    def worth(self) -> dict[str, tuple[str, int, int]]:
        """Whose each record is, and its minutes and hundredths: one pass in the order of service."""
        found: dict[str, tuple[str, int, int]] = {}
        used: dict[tuple[str, date], int] = {}
        for id, record in sorted(self.records.items(), key=lambda one: (one[1].start, len(one[0]), one[0])):
            so_far = used.get((record.person, record.day), 0)
            minutes = min(record.minutes, self.rules.minutes_a_day - so_far)
            used[record.person, record.day] = so_far + minutes
            hundredths = minutes * self.rules.hundredths_a_minute
            if record.category == "training":
                hundredths //= 2
            found[id] = (record.person, minutes, hundredths)
        return found

    def deliver(self, events: list[tuple[str, Record | None]]) -> None:
        """Records come, come again, or are taken back (None), in one delivery."""
        before = self.worth()
        days = {id: record.day for id, record in self.records.items()}
        gone: list[str] = []
        for id, record in events:
            if id in self.records and (record is None or record.person != self.records[id].person):
                gone.append(id)
            if record is None:
                del self.records[id]
            else:
                self.records[id] = record
                self.meet(record.person)
        after = self.worth()
        for id in gone:
            person, minutes, hundredths = before[id]
            self.differ(person, -minutes, -hundredths, days[id], id)
        for id in sorted(self.records, key=lambda id: (self.records[id].start, len(id), id)):
            person, minutes, hundredths = after[id]
            moved: list[Box] = []
            there = {name: list(box.coins) for name, box in self.people[person].boxes.items()}
            if id in before and id not in gone:
                if self.records[id].day != days[id]:
                    moved = self.redate(person, before[id], after[id], id)
                minutes -= before[id][1]
                hundredths -= before[id][2]
            moved += self.differ(person, minutes, hundredths, self.records[id].day, id)
            self.leave(self.people[person], moved, there, id)

    def leave(self, person: Person, moved: list[Box], there: dict[str, list[Coin]], id: str) -> None:
        """What comes into a closed passbook goes where everything else has gone, and so does what comes when it is open
        again and is of a day before that."""
        for name, box in person.boxes.items():
            if not box.rules.closes or not any(box is one for one in moved):
                continue
            if person.closed:
                box.close(self.today)
            elif self.records[id].day < person.open_from:
                box.let_go(self.today)
                late = [coin for coin in box.coins if coin.source == f"test/{id}"]
                late = [coin for coin in late if not any(coin is one for one in there[name])]
                box.coins = [coin for coin in box.coins if not any(coin is one for one in late)]

    def differ(self, name: str, minutes: int, hundredths: int, day: date, id: str) -> list[Box]:
        person, more = self.people[name], []
        for box, count in ((self.rules.earned["hours"], minutes), (self.rules.earned["points"], hundredths)):
            if count > 0:
                person.boxes[box].earn(day, count, f"test/{id}", self.today)
                more.append(person.boxes[box])
            elif count < 0:
                person.boxes[box].take_back(-count, f"test/{id}", self.today, day)
        return more

    def redate(self, name: str, was: tuple[str, int, int], now: tuple[str, int, int], id: str) -> list[Box]:
        boxes = self.people[name].boxes
        places = ((1, self.rules.earned["hours"]), (2, self.rules.earned["points"]))
        moved = [boxes[box] for at, box in places if was[at] and now[at]]
        for box in moved:
            box.redate(f"test/{id}", self.records[id].day, self.today)
        return moved

    def earned(self, name: str) -> tuple[int, int]:
        mine = [(minutes, hundredths) for person, minutes, hundredths in self.worth().values() if person == name]
        return sum(minutes for minutes, _ in mine), sum(hundredths for _, hundredths in mine)

    # --- what people ask ---

    def redeem(self, name: str, entry: int, offer: str, units: int, merchant: str) -> bool:
        person, today = self.meet(name), self.today
        if person.closed or offer not in self.rules.offers or units <= 0:
            return False
        says = self.rules.offers[offer]
        box = person.boxes[says.box]
        price = says.price * units
        mine = [had.units for had in person.had.values() if had.offer == offer and had.on.year == today.year]
        if says.a_year is not None and sum(mine) + units > says.a_year:
            return False
        if says.stock is not None and self.taken.get(offer, 0) + units > says.stock:
            return False
        if says.watermark and not merchant:
            return False
        if says.watermark:
            there = [one for one in person.had.values() if self.rules.offers[one.offer].box == says.box]
            used = sum(one.price for one in there if one.merchant == merchant)
            if price > box.available(today) - used:
                return False
            paid: list[Coin | None] = []
        else:
            if says.half_in_money and not box.may_draw(price, today) and 2 * box.available(today) >= price:
                price = box.available(today)
            if not box.may_draw(price, today):
                return False
            paid = box.draw(price, today)
            if box.rules.hold_days is not None:
                box.holds[entry] = Hold(today + timedelta(days=box.rules.hold_days), paid)
            else:
                box.redeemed()
        person.had[entry] = Had(offer, today, units, merchant, paid, price)
        self.taken[offer] = self.taken.get(offer, 0) + units
        return True

    def reserve(self, name: str, entry: int, box_name: str, count: int, for_goods: bool) -> bool:
        person = self.meet(name)
        box = person.boxes.get(box_name)
        if person.closed or box is None or box.rules.hold_days is None or box.rules.for_goods != for_goods:
            return False
        if not box.may_draw(count, self.today):
            return False
        box.holds[entry] = Hold(self.today + timedelta(days=box.rules.hold_days), box.draw(count, self.today))
        return True

    def holding(self, person: Person, entry: int) -> Box | None:
        return next((box for box in person.boxes.values() if entry in box.holds), None)

    def settle(self, name: str, entry: int, count: int | None) -> bool:
        person = self.meet(name)
        box = self.holding(person, entry)
        if person.closed or box is None:
            return False
        hold = box.holds[entry]
        count = len(hold.coins) if count is None else count
        if self.today > hold.until or not 0 < count <= len(hold.coins):
            return False
        had = person.had.get(entry)
        if had is not None and count < had.price and not self.whole_units(had, count):
            return False
        used, rest = hold.coins[:count], hold.coins[count:]
        hold.coins = rest
        box.release(entry, self.today)
        box.redeemed()
        for coin in used:
            if coin is not None:
                coin.only_held = False  # it is spent; given back, it is there like any other
        if had is not None:
            units = next(n for n in range(1, had.units + 1) if n * had.price >= count * had.units)  # begun ones too
            self.taken[had.offer] -= had.units - units
            had.paid, had.price, had.units = used, count, units
        return True

    def whole_units(self, had: Had, count: int) -> bool:
        """Whether that is the price of so many units; hours for a service are paid as they are served."""
        says = self.rules.offers[had.offer]
        return says.by_time or (had.price == says.price * had.units and count % says.price == 0)

    def release(self, name: str, entry: int) -> bool:
        person = self.meet(name)
        box = self.holding(person, entry)
        if person.closed or box is None:
            return False
        if entry in person.had and self.rules.offers[person.had[entry].offer].irreversible:
            return False
        box.release(entry, self.today)
        self.bring_back(person, entry)
        return True

    def bring_back(self, person: Person, entry: int) -> None:
        had = person.had.pop(entry, None)
        if had is not None:
            self.taken[had.offer] -= had.units

    def refund(self, name: str, entry: int) -> bool:
        person = self.meet(name)
        had = person.had.get(entry)
        if person.closed or had is None or self.holding(person, entry) is not None or had.fetched:
            return False
        says = self.rules.offers[had.offer]
        if says.irreversible or self.is_void(had):
            return False
        person.boxes[says.box].back(had.paid, self.today)
        self.bring_back(person, entry)
        return True

    def is_void(self, had: Had) -> bool:
        months = self.rules.offers[had.offer].voucher_months
        return months is not None and self.today > months_later(had.on, months)

    def fetch(self, name: str, entry: int, shown: bool) -> bool:
        person = self.meet(name)
        had = person.had.get(entry)
        if had is None or self.holding(person, entry) is not None or had.fetched:
            return False
        says = self.rules.offers[had.offer]
        if says.voucher_months is None or self.is_void(had):
            return False
        if says.identity and not shown:
            return False
        had.fetched = True
        return True

    def give(self, name: str, box_name: str, count: int, to: str | None) -> bool:
        """A gift to a friend, or (None) to the pool."""
        person = self.meet(name)
        box = person.boxes.get(box_name)
        if person.closed or box is None or to == name:
            return False
        if not (box.rules.to_pool if to is None else box.rules.to_friends):
            return False
        if to is not None and self.meet(to).closed:
            return False
        if not 0 < count <= box.available(self.today):
            return False
        coins = box.pick(box.there(self.today), count)
        if to is not None:
            for coin in coins:
                coin.source = f"gift/{name}"
            self.people[to].boxes[box_name].put(coins, self.today)
        return True

    def grant(self, name: str, box_name: str, count: int) -> bool:
        person = self.meet(name)
        box = person.boxes.get(box_name)
        if person.closed or box is None or box.rules.grant != count or self.today.year in box.granted:
            return False
        box.granted.add(self.today.year)
        box.put([Coin(0, self.today, box.rules.ends(self.today), "grant") for _ in range(count)], self.today)
        return True

    def use_perk(self, name: str) -> bool:
        person = self.meet(name)
        if person.closed or self.earned(name)[1] < self.rules.star_points:
            return False
        if sum(day.year == self.today.year for day in person.perks) >= self.rules.perk_a_year:
            return False
        person.perks.append(self.today)
        return True

    def close(self, name: str) -> bool:
        person = self.meet(name)
        if person.closed or any(box.holds for box in person.boxes.values()):
            return False
        for box in person.boxes.values():
            if not box.rules.closes and (box.there(self.today) or box.owed):
                return False
        for box in person.boxes.values():
            box.close(self.today)
        person.closed = True
        return True

    def reopen(self, name: str) -> bool:
        person = self.meet(name)
        if person.closed:
            person.closed, person.open_from = False, self.today
            return True
        return False

    def night(self) -> None:
        """What is over is booked: reservations first, then coins."""
        for name, person in self.people.items():
            self.over(name)
            for box in person.boxes.values():
                box.let_go(self.today)

    def over(self, name: str, but: int = 0) -> int:
        """Give back what somebody reserved until a day that has passed; how many reservations that was."""
        person, done = self.meet(name), 0
        for box in person.boxes.values():
            for entry in sorted(entry for entry, hold in box.holds.items() if hold.until < self.today and entry != but):
                box.release(entry, self.today)
                self.bring_back(person, entry)
                done += 1
        return done
