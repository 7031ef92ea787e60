"""What the triggers of every database keep: which rows never change, which are sealed, what of a row is written once.

`sqlite` and `postgres` each say it in their own words; the names of the triggers are the same.
"""

from __future__ import annotations

APPEND_ONLY = (
    *("policy", "entry", "posting", "floor_change", "lot_move", "lot_end", "wallet_state", "stock_move", "command"),
    "import_run",
)
NEVER_DELETED = (
    *("passbook", "balance", "service_record", "record_key", "lot", "hold", "redemption", "stock"),
    "volunteer",
)

# What belongs to an entry: nothing comes after the entry itself.
SEALED = (
    *("posting", "floor_change", "lot", "lot_move", "lot_end", "wallet_state", "hold", "redemption"),
    *("stock_move", "service_record", "command"),
)

# Of each table the column that is written once; no other changes at all.
ONCE = {
    "service_record": (
        "superseded_by",
        ("passbook", "entry", "registry", "record", "original", "content_hash", "content", "supplied"),
    ),
    "hold": ("ended_by", ("passbook", "entry", "account", "amount", "until")),
    "redemption": (
        "returned_by",
        ("passbook", "entry", "on_day", "offer", "merchant", "units", "paid", "cash"),
    ),
}

# What a row is called by: it stays, while the rest of the row is what the entries come to.
KEYS = {
    "balance": ("passbook", "account", "unit"),
    "record_key": ("record", "registry"),
    "volunteer": ("id",),
    "stock": ("county", "offer"),
}
