"""What follows from a policy: reading, compiling, matching, counting, the ledger, standings, explaining."""
