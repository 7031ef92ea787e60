"""Who is family to whom: what a person has declared, by the id of the other."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lianxing.rules.accounts import Recipient
from lianxing.rules.perks import Beneficiary
from lianxing.rules.places import Label


class Relation(Enum):
    """What somebody is to the person who declares it."""

    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    GRANDCHILD = "grandchild"
    GRANDPARENT = "grandparent"
    SIBLING = "sibling"
    OTHER = "other"


# What each relation is called, by its word.
RELATIONS: Mapping[str, Label] = {
    "spouse": Label("配偶", "spouse"),
    "child": Label("子女", "child"),
    "parent": Label("父母", "parent"),
    "grandchild": Label("孙子女", "grandchild"),
    "grandparent": Label("祖父母", "grandparent"),
    "sibling": Label("兄弟姐妹", "sibling"),
    "other": Label("其他", "other"),
}
# To whom a balance may be given, and for whom a perk or a service may be asked: nobody else is meant by these words.
AS_RECIPIENT: Mapping[Relation, Recipient] = {
    Relation.SPOUSE: Recipient.SPOUSE,
    Relation.CHILD: Recipient.LINEAL_RELATIVE,
    Relation.PARENT: Recipient.LINEAL_RELATIVE,
    Relation.GRANDCHILD: Recipient.LINEAL_RELATIVE,
    Relation.GRANDPARENT: Recipient.LINEAL_RELATIVE,
}
AS_BENEFICIARY: Mapping[Relation, Beneficiary] = {
    Relation.SPOUSE: Beneficiary.SPOUSE,
    Relation.CHILD: Beneficiary.CHILD,
    Relation.PARENT: Beneficiary.PARENT,
}
