"""Check the export of a ledger, with nothing but the standard library and docs/auditing.md.

    python audit.py EXPORT [--checkpoint FILE]

EXPORT is what `lianxing audit-export` wrote. Each difference is told with the line of the file, whose passbook and
which entry; the first in a passbook only, as all after it follow. Exit codes: 0 nothing found, 1 differences, 2 the
file cannot be read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GENESIS = b"\0" * 32
SHOWN = 50
HEADER = (
    *("volunteer", "county", "number", "kind", "registry", "record", "recorded_at", "effective_on", "policy_digest"),
    *("policy_hash", "adjusts", "seconds", "points", "counted", "actor", "reason", "postings", "floors", "lots"),
    *("opened", "hold", "ends", "redemption", "returns", "ended", "wallets", "takes", "command"),
)
OF_RECORDS = ("original", "adjusting", "corrected", "withdrawn")

Json = dict[str, Any]


class Difference(Exception):
    """Something that does not hold."""


class Passbook:
    """One chain, entry by entry, and what its accounts come to."""

    def __init__(self) -> None:
        self.number = 0
        self.hash = GENESIS
        self.recorded_at = 0
        self.balances: dict[tuple[str, str], int] = defaultdict(int)
        self.floors: dict[tuple[str, str], int | None] = {}
        self.lots: dict[tuple[str, int], list[int]] = {}  # what went in at most, what is left
        self.holds: dict[int, tuple[str, int]] = {}  # open ones: account, amount
        self.redemptions: set[int] = set()  # those not given back
        self.records: dict[int, tuple[str, str]] = {}  # by original entry, those that count
        self.withdrawn: set[int] = set()
        self.broken = False

    def add(self, link: Json, hashed: str, policies: dict[str, str]) -> None:
        number = link["number"]
        if number != self.number + 1:
            raise Difference(f"entry {self.number} is followed by {number}")
        self.number = number
        known = "" if link["policy_digest"] is None else policies.get(link["policy_digest"])
        if link["policy_hash"] != known:
            raise Difference("the policy of the entry is not the one of the export")
        if link_hash(self.hash, link) != hashed:
            raise Difference("the hash does not follow from the entry and the hash before it")
        self.hash = bytes.fromhex(hashed)
        if link["recorded_at"] < self.recorded_at:
            raise Difference("the entry was recorded before the one ahead of it")
        self.recorded_at = link["recorded_at"]
        self._post(link)
        self._move_lots(link)
        self._hold(link)
        self._keep_record(link)

    def _post(self, link: Json) -> None:
        sums: dict[str, int] = defaultdict(int)
        earned: dict[str, int] = defaultdict(int)
        for account, unit, amount, after in link["postings"]:
            sums[unit] += whole(amount)
            if account == "earned":
                earned[unit] += amount
            if after is None:
                continue  # an account of the county
            self.balances[account, unit] += amount
            if self.balances[account, unit] != after:
                raise Difference(f"{account} in {unit} comes to {self.balances[account, unit]}, not to {after}")
        for unit, total in sums.items():
            if total:
                raise Difference(f"the postings in {unit} add up to {total}, not to 0")
        for unit in ("seconds", "points"):
            if earned[unit] != link[unit]:
                raise Difference(f"the entry says {link[unit]} {unit}, its postings {earned[unit]}")
        for account, unit, floor in link["floors"]:
            self.floors[account, unit] = floor

    def _move_lots(self, link: Json) -> None:
        for account, lot, _earned_on, _last_day, _source, original in link["opened"]:
            if (account, lot) in self.lots:
                raise Difference(f"lot {lot} of {account} is opened twice")
            self.lots[account, lot] = [whole(original), 0]
        for account, lot, amount in link["lots"]:
            if (account, lot) not in self.lots:
                raise Difference(f"lot {lot} of {account} was never opened")
            self.lots[account, lot][1] += whole(amount)

    def _hold(self, link: Json) -> None:
        if link["ends"] is not None and self.holds.pop(link["ends"], None) is None:
            raise Difference(f"the entry ends a hold, {link['ends']}, that is not open")
        if link["returns"] is not None:
            if link["returns"] not in self.redemptions:
                raise Difference(f"the entry gives back {link['returns']}, which is no redemption, or was given back")
            self.redemptions.remove(link["returns"])
        if link["redemption"] is not None:
            self.redemptions.add(link["number"])
        if link["hold"] is not None:
            self.holds[link["number"]] = (link["hold"][0], whole(link["hold"][1]))

    def _keep_record(self, link: Json) -> None:
        kind, number, adjusts = link["kind"], link["number"], link["adjusts"]
        if kind not in OF_RECORDS:
            return
        record = (link["registry"], link["record"])
        if kind == "original":
            self.records[number] = record
        elif kind == "withdrawn" and adjusts is None:
            if link["seconds"] or link["points"]:
                raise Difference("what never came has nothing to be taken back")
            return
        elif self.records.get(adjusts) != record:
            raise Difference(f"entry {adjusts} is not the original of the same record")
        if kind == "withdrawn":
            self.withdrawn.add(adjusts)
        elif kind == "corrected":
            self.withdrawn.discard(adjusts)
        if (link["content"] is not None) != (kind != "adjusting"):
            raise Difference("an original, corrected or withdrawn entry brings the record, and no other")

    def close(self) -> Iterator[str]:
        """What must hold at the end: between two entries of one command it need not."""
        for (account, unit), floor in self.floors.items():
            if floor is not None and self.balances[account, unit] < floor:
                yield f"{account} in {unit} is {self.balances[account, unit]}, below its floor of {floor}"
        left: dict[str, int] = defaultdict(int)
        for (account, lot), (original, remaining) in self.lots.items():
            left[account] += remaining
            if not 0 <= remaining <= original:
                yield f"of lot {lot} of {account} there is {remaining} left, of {original}"
        for account, remaining in left.items():
            total = sum(amount for (name, _unit), amount in self.balances.items() if name == account)
            if total != remaining:
                yield f"the lots of {account} come to {remaining}, its balance is {total}"
        held: dict[str, int] = defaultdict(int)
        for account, amount in self.holds.values():
            held[f"{account}/held"] += amount
        names = {name for name, _unit in self.balances if name.endswith("/held")}
        for account in sorted(names | set(held)):
            total = sum(amount for (name, _unit), amount in self.balances.items() if name == account)
            if total != held[account]:
                yield f"the open holds of {account} come to {held[account]}, its balance is {total}"

    def live(self) -> set[tuple[str, str]]:
        return {record for original, record in self.records.items() if original not in self.withdrawn}


def whole(value: object) -> int:
    if type(value) is not int:
        raise Difference(f"{value!r} is not a whole number")
    return value


def as_bytes(value: Any) -> bytes:
    return bytes.fromhex(value["hex"]) if isinstance(value, dict) else str(value).encode()


def as_line(members: list[Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def link_hash(before: bytes, link: Json) -> str:
    parts = [None if link[name] is None else as_bytes(link[name]) for name in ("body", "content", "supplied")]
    lengths = [None if part is None else len(part) for part in parts]
    digest = hashlib.sha256(before + as_line([1, *(link[name] for name in HEADER), *lengths]))
    for part in parts:
        digest.update(part or b"")
    return digest.hexdigest()


def policy_hash(line: Json) -> str:
    content = as_bytes(line["content"])
    members = [1, line["policy"], line["county"], line["title"], line["first_used_at"], len(content)]
    return hashlib.sha256(as_line(members) + content).hexdigest()


def read_checkpoint(path: Path) -> dict[tuple[str, str], Json]:
    first, *lines = path.read_bytes().splitlines(keepends=True)
    if hashlib.sha256(b"".join(lines)).hexdigest() != json.loads(first)["root"]:
        raise ValueError(f"{path}: the lines of the checkpoint do not lead to its root")
    heads = [json.loads(line) for line in lines]
    return {(head["volunteer"], head["county"]): head for head in heads}


class Audit:
    """The whole file: policies, chains, heads, end."""

    def __init__(self, checkpoint: dict[tuple[str, str], Json]) -> None:
        self.policies: dict[str, str] = {}
        self.checkpoint = checkpoint
        self.current: tuple[str, str] | None = None
        self.book = Passbook()
        self.ends: dict[tuple[str, str], tuple[int, bytes, bool]] = {}
        self.live: set[tuple[str, str]] = set()
        self.headed: set[tuple[str, str]] = set()
        self.counts = {"policies": 0, "links": 0, "heads": 0}
        self.begun = self.ended = False

    def take(self, line: Json) -> Iterator[str]:
        if self.ended:
            yield "something stands behind the end"
        elif not self.begun:
            self.begun = True
            if line.get("audit") != 1:
                raise ValueError("this is not an export that this program knows")
        elif "policy" in line:
            self.counts["policies"] += 1
            self.policies[line["policy"]] = line["hash"]
            if policy_hash(line) != line["hash"]:
                yield f"policy {line['policy']}: the hash does not follow from the policy"
        elif "link" in line:
            self.counts["links"] += 1
            yield from self._take_link(line["link"], line["hash"])
        elif "head" in line:
            yield from self.close()
            self.counts["heads"] += 1
            yield from self._take_head(line)
        elif "end" in line:
            yield from self._take_end(line["end"])
        else:
            yield "a line that is nothing known"

    def _take_link(self, link: Json, hashed: str) -> Iterator[str]:
        owner = (link["volunteer"], link["county"])
        if owner != self.current:
            yield from self.close()
            if owner in self.ends:
                yield f"{name(owner)}: the passbook comes twice"
            self.current, self.book = owner, Passbook()
        if self.book.broken:
            return
        try:
            self.book.add(link, hashed, self.policies)
            promised = self.checkpoint.get(owner)
            if promised is not None and promised["number"] == link["number"] and promised["hash"] != hashed:
                raise Difference("the checkpoint has another hash")
        except Difference as difference:
            self.book.broken = True
            yield f"{name(owner)}, entry {link['number']}: {difference}"

    def close(self) -> Iterator[str]:
        owner, book, self.current = self.current, self.book, None
        if owner is None:
            return
        self.ends[owner] = (book.number, book.hash, book.broken)
        if not book.broken:
            for what in book.close():
                yield f"{name(owner)}, at the end: {what}"
        live = book.live()
        for registry, record in sorted(live & self.live):
            yield f"{name(owner)}: record {record} of {registry} counts in another passbook too"
        self.live |= live

    def _take_head(self, line: Json) -> Iterator[str]:
        owner = (line["volunteer"], line["county"])
        number, hashed, broken = self.ends.get(owner, (0, GENESIS, False))
        if owner in self.headed:
            yield f"{name(owner)}: two heads"
        self.headed.add(owner)
        if not broken and (line["head"], line["hash"]) != (number, hashed.hex()):
            yield f"{name(owner)}: the head is not the last entry, {number}"

    def _take_end(self, counts: Json) -> Iterator[str]:
        yield from self.close()
        self.ended = True
        for what, count in self.counts.items():
            if counts[what] != count:
                yield f"{count} {what} in the file, {counts[what]} were written"
        for owner in sorted(self.ends.keys() - self.headed):
            yield f"{name(owner)}: a passbook without a head"
        for owner, head in sorted(self.checkpoint.items()):
            number, _hash, broken = self.ends.get(owner, (0, GENESIS, False))
            if not broken and number < head["number"]:
                yield f"{name(owner)}: ends with entry {number}, the checkpoint has {head['number']}"


def name(owner: tuple[str, str]) -> str:
    volunteer, county = owner
    return f"{volunteer} in {county}" if county else f"the file of {volunteer}"


def audit(path: Path, checkpoint: dict[tuple[str, str], Json]) -> tuple[list[str], dict[str, int]]:
    found: list[str] = []
    audited = Audit(checkpoint)
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                found += (f"{path}:{number}: {what}" for what in audited.take(json.loads(line)))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                found.append(f"{path}:{number}: cannot be read ({error!r})")
                return found, audited.counts
    if not audited.ended:
        found.append(f"{path}:{number}: the file ends before its end")
    return found, audited.counts


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the export of a ledger.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    asked = parser.parse_args()
    try:
        checkpoint = {} if asked.checkpoint is None else read_checkpoint(asked.checkpoint)
        found, counts = audit(asked.export, checkpoint)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for difference in found[:SHOWN]:
        sys.stdout.write(f"{difference}\n")
    counted = ", ".join(f"{what} {count}" for what, count in counts.items())
    verdict = f"{len(found)} difference{'' if len(found) == 1 else 's'}" if found else "no difference"
    sys.stdout.write(f"{asked.export}: {verdict} ({counted})\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
