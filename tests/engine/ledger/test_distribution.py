"""The tables can be distributed by passbook: every key begins with it, and no reference leads to another one."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint

from lianxing.engine.ledger.tables import metadata

# Of nobody in particular: reference data that is the same everywhere, and directories distributed by their own key.
REFERENCE = {"policy", "import_run"}
DIRECTORIES = {"record_key": "record", "command": "scope", "stock": "county", "volunteer": "id"}
OF_PASSBOOKS = [table for table in metadata.sorted_tables if table.name not in {*REFERENCE, *DIRECTORIES, "passbook"}]


@pytest.mark.parametrize("table", OF_PASSBOOKS, ids=lambda table: table.name)
def test_every_key_begins_with_the_passbook(table: Table) -> None:
    keys = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    for key in (table.primary_key, *keys):
        assert next(iter(key.columns)).name == "passbook"


@pytest.mark.parametrize("table", OF_PASSBOOKS, ids=lambda table: table.name)
def test_no_reference_leads_from_one_passbook_to_another(table: Table) -> None:
    for constraint in table.constraints:
        if not isinstance(constraint, ForeignKeyConstraint) or constraint.referred_table.name in REFERENCE:
            continue
        first, to = next(iter(constraint.elements)).parent, next(iter(constraint.elements)).column
        assert (first.name, to.name) in {("passbook", "passbook"), ("passbook", "id")}


def test_what_is_of_no_passbook_is_known_by_name() -> None:
    others = {table.name for table in metadata.sorted_tables} - {table.name for table in OF_PASSBOOKS}
    assert others == {*REFERENCE, *DIRECTORIES, "passbook"}
    for name, first in DIRECTORIES.items():
        assert next(iter(metadata.tables[name].primary_key.columns)).name == first
