"""The NP-hard families: verifiers against brute force, the holes of published verifiers, heuristics and texts."""

import json
from random import Random

import pytest

from benchmarks.np_brute import CHECKS
from benchmarks.np_verifiers import examine
from workbench.problems.np_hard.family import families, read_list, write_list

FAMILIES = families()
every_family = pytest.mark.parametrize("name", sorted(FAMILIES))
PATH = {"nodes": 4, "edges": [[0, 1], [1, 2], [2, 3]]}
SQUARE = {"nodes": 4, "edges": [[0, 1], [1, 2], [2, 3], [0, 3]]}
MEETINGS = {
    "rooms": 2,
    "meetings": [
        {"hours": 2, "first": 0, "last": 4, "people": [0, 1]},
        {"hours": 1, "first": 0, "last": 4, "people": [1, 2]},
        {"hours": 1, "first": 0, "last": 2, "people": [3]},
    ],
}


def test_the_ten_families_are_there_and_brute_force_knows_each() -> None:
    assert len(FAMILIES) == 10
    assert set(FAMILIES) == set(CHECKS)


@every_family
def test_no_verdict_differs_from_brute_force(name: str) -> None:
    """`benchmarks.np_verifiers` does the same on 1,000 instances."""
    found = examine(name, 12)
    assert found["wrong"] == 0
    assert found["ratio"] > 0.9


@every_family
def test_instances_are_plain_data_and_the_heuristic_is_feasible_at_every_level(name: str) -> None:
    family = FAMILIES[name]
    for level, (least, most) in family.sizes.items():
        random = Random(f"{level}")
        instance = family.draw(random, random.randint(least, most))
        assert json.loads(json.dumps(instance)) == instance
        solution = family.heuristic(instance, random)
        verdict = family.verify(instance, solution)
        assert verdict.value
        assert family.quality(verdict.value, verdict.value) == 1
        assert read_list(write_list(solution)) == solution
        assert "planted" not in family.text(instance)


@pytest.mark.parametrize(
    ("name", "instance", "solution", "fault"),
    [
        ("hamiltonian_cycle", SQUARE, (0, 1, 0), "node 0 stands twice"),
        ("hamiltonian_cycle", SQUARE, (0,), "node 1 is not visited"),
        ("hamiltonian_cycle", PATH, (0, 1, 2, 3), "no edge joins 3 and 0"),
        ("independent_set", PATH, (0, 0, 0, 3, 3), "node 0 stands twice"),
        ("independent_set", PATH, (), "the list is empty"),
        ("subset_sum", {"numbers": [2, 3, 4], "target": 12}, (0, 0, 0, 0, 0, 0), "place 0 stands twice"),
        ("subset_sum", {"numbers": [2, 3, 4], "target": 6}, (0, -1), "there is no place -1"),
        ("scheduling", MEETINGS, (0, 1, 0), "an attendee is in two meetings at hour 1"),
        ("scheduling", MEETINGS, (0, 2, 0, 0), "the list has 4 hours for 3 meetings"),
        ("scheduling", MEETINGS, (3, -1, -1), "meeting 0 may not start at hour 3"),
        ("scheduling", {**MEETINGS, "rooms": 1}, (0, 2, 0), "2 meetings at hour 0 for 1 room"),
        ("scheduling", MEETINGS, (-1, -1, -1), "none is held"),
        ("set_cover", {"elements": 3, "sets": [[0, 1], [2], [1]]}, (0, 2), "element 2 is in none"),
        ("colouring", PATH, (0, 1, 1, 0), "an edge joins 1 and 2, both of colour 1"),
        ("colouring", PATH, (0, 1, 0), "the list has 3 colours for 4 nodes"),
        ("colouring", PATH, (-1, 0, -1, 0), "-1 is no colour"),
        ("bisection", PATH, (0,), "1 of 4 nodes are no half"),
        ("knapsack", {"weights": [5, 5], "values": [1, 1], "limit": 9}, (0, 1), "10 kg are more than 9 kg"),
        ("travelling_salesman", {"places": [[0, 0], [0, 1], [1, 1]]}, (0, 1), "place 2 is not visited"),
        ("clique", SQUARE, (0, 1, 2), "no edge joins 0 and 2"),
    ],
)
def test_holes_of_published_verifiers_are_closed(name: str, instance: dict, solution: tuple, fault: str) -> None:
    verdict = FAMILIES[name].verify(instance, solution)
    assert verdict.value is None
    assert fault in verdict.fault


@pytest.mark.parametrize(
    ("name", "instance", "solution", "value"),
    [
        ("bisection", PATH, (0, 1), 1),
        ("colouring", PATH, (7, 0, 7, 0), 2),
        ("scheduling", MEETINGS, (0, 2, 0), 5),
        ("travelling_salesman", {"places": [[0, 0], [0, 3], [4, 3]]}, (2, 0, 1), 12),
        ("hamiltonian_cycle", SQUARE, (2, 3, 0, 1), 1),
    ],
)
def test_values_worked_by_hand(name: str, instance: dict, solution: tuple, value: float) -> None:
    assert FAMILIES[name].verify(instance, solution).value == value


def test_quality_is_against_the_heuristic_and_never_above_one() -> None:
    tour, clique = FAMILIES["travelling_salesman"], FAMILIES["clique"]
    assert tour.quality(120, 100) == pytest.approx(0.8333, abs=1e-4)
    assert tour.quality(90, 100) == 1
    assert (clique.quality(3, 4), clique.quality(5, 4)) == (0.75, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[1, 2",
        "1, 2]",
        "1 2",
        "[1; 2]",
        "[[1], 2]",
        "1.5",
        "[1, , 2]",
        "__import__('os')",
        "9" * 7,
        "1," * 1000,
    ],
)
def test_what_is_no_list_is_not_read(text: str) -> None:
    assert read_list(text) is None
