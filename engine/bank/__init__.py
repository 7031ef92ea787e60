"""The bank: what people ask of their passbooks, decided by the county's rules and written to the ledger.

`customers` is one person as the bank sees them; `deciding` answers one command; `tellers` serves many at once, each
once and for ever; `crediting` puts what records are worth into accounts (`deposits`, `earned_elsewhere` for those in
other passbooks, `leaving` where a passbook is closed); `ending` lets go what has run out.
"""
