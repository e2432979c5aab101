"""The tree as a model: whatever is moved and merged, it stays a tree and nothing in it gets lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundpost.hub.locations.tree import ROOT, Location, Tree, natural, text
from soundpost.kernel.errors import Conflict, NotFound


def place(id: str, parent: str = ROOT, name: str = "", **more: str) -> Location:
    return Location(id, parent, name or id, more.pop("kind", "room"), **more)


def london() -> Tree:
    return Tree(
        [
            place("uk", kind="region", zone="Europe/London", contact="Ana"),
            place("london", "uk", kind="city"),
            place("hq", "london", address="1 High St"),
            place("four", "hq", "4"),
            place("r12", "four", "4.12", contact="Lee"),
            place("r2", "four", "4.2"),
        ]
    )


def test_paths_children_and_what_is_inherited():
    tree = london()
    assert text(tree.path("r12")) == "uk > london > hq > 4 > 4.12"
    assert [child.name for child in tree.children("four")] == ["4.2", "4.12"]
    assert tree.inherited("r12", "zone") == "Europe/London"
    assert (tree.inherited("r12", "contact"), tree.inherited("r2", "contact")) == ("Lee", "Ana")
    assert tree.inherited("r2", "address") == "1 High St"
    assert {one.id for one in tree.under("hq")} == {"hq", "four", "r12", "r2"}
    assert tree.is_under("r2", "uk")
    assert not tree.is_under("uk", "r2")
    assert tree.path("nowhere") == []


def test_names_of_siblings_differ_by_more_than_case():
    tree = london()
    with pytest.raises(Conflict) as caught:
        tree.check_free("uk", "LONDON")
    assert (caught.value.code, caught.value.params["id"]) == ("location_taken", "london")
    tree.check_free("uk", "LONDON", but="london")
    tree.check_free("hq", "London")


def test_nothing_is_moved_into_itself():
    tree = london()
    for below in ("uk", "r12"):
        with pytest.raises(Conflict) as caught:
            tree.check_move("uk", below)
        assert caught.value.code == "location_under_itself"
    with pytest.raises(NotFound):
        tree.check_move("uk", "nowhere")
    tree.check_move("r12", "london")


@pytest.mark.parametrize(("gone", "kept"), [("hq", "hq"), ("hq", "r12"), ("r12", "hq")])
def test_places_that_lie_in_each_other_are_not_merged(gone, kept):
    with pytest.raises(Conflict):
        london().merge(gone, kept)


def test_a_merge_melts_equal_names_at_any_depth():
    tree = london()
    for new in (place("hq2", "london"), place("f4", "hq2", "4"), place("x2", "f4", "4.2"), place("x9", "f4", "4.9")):
        tree.put(new)
    melted, moved = tree.merge("hq2", "hq")
    assert melted == [("x2", "r2"), ("f4", "four"), ("hq2", "hq")]
    assert moved == ["x9"]


def test_numbers_in_names_are_sorted_as_numbers():
    names = ["4.12", "Room 2", "room 10", "4.2", "Atrium", "²"]
    assert sorted(names, key=natural) == ["4.2", "4.12", "Atrium", "Room 2", "room 10", "²"]


names = st.sampled_from(["a", "B", "b", "4", "4.2"])


@given(st.lists(st.tuples(st.integers(0, 12), names), max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_whatever_is_merged_every_place_is_melted_or_still_reached(shape, gone, kept):
    tree = Tree()
    for number, (parent, name) in enumerate(shape):
        under = f"p{parent}" if f"p{parent}" in tree.places else ROOT
        if tree.child(under, name) is None:
            tree.put(Location(f"p{number}", under, name, "room"))
    try:
        melted, moved = tree.merge(f"p{gone}", f"p{kept}")
    except (Conflict, NotFound):
        return
    before, into = set(tree.places), dict(melted)
    for id in moved:
        one = tree.get(id)
        tree.check_free(into[one.parent], one.name)
        tree.put(Location(id, into[one.parent], one.name, "room"))
    for old, _ in melted:
        assert not tree.children(old), "something would be lost"
        tree.drop(old)
    assert set(tree.places) | set(into) == before
    assert not set(into) & set(into.values())
    assert {one.id for top in tree.children(ROOT) for one in tree.under(top.id)} == set(tree.places)
