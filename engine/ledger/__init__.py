"""The ledger: every record once, every amount twice, nothing ever changed. The only place with a database session.

`opening` opens a ledger; `reading` and `writing` are what one transaction can do; `verifying` proves the invariants;
`checkpoints` and `exporting` take proof elsewhere; `sqlite` is the only module that knows which database lies below.
"""
