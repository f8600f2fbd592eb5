"""Values and optima of small instances by other means than the families': every solution tried, graphs by networkx."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, permutations, product
from typing import Any

import networkx

Answer = tuple[int, ...]
Check = Callable[[Mapping[str, Any], Answer], float | None]  # the value of a feasible answer, None of any other


def graph(instance: Mapping[str, Any]) -> networkx.Graph:
    """An instance's graph."""
    made = networkx.Graph()
    made.add_nodes_from(range(instance["nodes"]))
    made.add_edges_from(map(tuple, instance["edges"]))
    return made


def choice(answer: Sequence[int], size: int) -> bool:
    """Whether it is a non-empty subset of range(size), nothing twice."""
    return 0 < len(answer) == len(set(answer) & set(range(size)))


def clique(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """Nodes whose subgraph is complete."""
    if not choice(answer, instance["nodes"]):
        return None
    part = graph(instance).subgraph(answer)
    return len(answer) if part.number_of_edges() == math.comb(len(answer), 2) else None


def independent_set(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """Nodes whose subgraph has no edge."""
    if not choice(answer, instance["nodes"]):
        return None
    return len(answer) if graph(instance).subgraph(answer).number_of_edges() == 0 else None


def colouring(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """Classes of equal colours are independent sets."""
    if len(answer) != instance["nodes"] or any(colour < 0 for colour in answer):
        return None
    classes = [[node for node in range(len(answer)) if answer[node] == colour] for colour in set(answer)]
    made = graph(instance)
    return len(classes) if all(made.subgraph(each).number_of_edges() == 0 for each in classes) else None


def scheduling(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """No two meetings that overlap share a person; at no meeting's start are there more than rooms."""
    meetings = instance["meetings"]
    if len(answer) != len(meetings):
        return None
    held = [(start, start + each["hours"], each) for start, each in zip(answer, meetings, strict=True) if start != -1]
    if not held or any(start < each["first"] or end > each["last"] for start, end, each in held):
        return None
    for one, other in combinations(held, 2):
        if max(one[0], other[0]) < min(one[1], other[1]) and set(one[2]["people"]) & set(other[2]["people"]):
            return None
    if any(sum(start <= begun < end for start, end, _ in held) > instance["rooms"] for begun, _, _ in held):
        return None
    return sum(len(each["people"]) for _, _, each in held)


def bisection(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """networkx's cut size of two parts that differ by one node at most."""
    rest = instance["nodes"] - len(answer)
    if not choice(answer, instance["nodes"]) or abs(rest - len(answer)) > 1:
        return None
    return float(networkx.cut_size(graph(instance), set(answer)))


def set_cover(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """The union is the universe."""
    if not choice(answer, len(instance["sets"])):
        return None
    union = {element for number in answer for element in instance["sets"][number]}
    return len(answer) if union == set(range(instance["elements"])) else None


def subset_sum(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """The numbers at the places add up to the target."""
    if not choice(answer, len(instance["numbers"])):
        return None
    chosen = [number for place, number in enumerate(instance["numbers"]) if place in answer]
    return len(answer) if sum(chosen) == instance["target"] else None


def knapsack(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """The weights stay within the limit."""
    if not choice(answer, len(instance["weights"])):
        return None
    pairs = [(instance["weights"][number], instance["values"][number]) for number in set(answer)]
    weight, value = (sum(each) for each in zip(*pairs, strict=True))
    return value if weight <= instance["limit"] else None


def travelling_salesman(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """A permutation; its length by complex numbers."""
    places = [complex(x, y) for x, y in instance["places"]]
    if sorted(answer) != list(range(len(places))):
        return None
    tour = [places[number] for number in answer]
    return sum(abs(one - other) for one, other in zip(tour, tour[1:] + tour[:1], strict=True))


def hamiltonian_cycle(instance: Mapping[str, Any], answer: Answer) -> float | None:
    """A permutation whose steps are a cycle of the graph."""
    if sorted(answer) != list(range(instance["nodes"])):
        return None
    cycle = networkx.cycle_graph(list(answer))
    return 1 if all(graph(instance).has_edge(*edge) for edge in cycle.edges) else None


def subsets(size: int) -> Iterator[Answer]:
    """Every non-empty subset."""
    for count in range(1, size + 1):
        yield from combinations(range(size), count)


def candidates(family: str, instance: Mapping[str, Any]) -> Iterable[Answer]:
    """Answers among which the best one is."""
    if family in ("clique", "independent_set", "bisection"):
        return subsets(instance["nodes"])
    if family == "colouring":
        return product(range(min(4, instance["nodes"])), repeat=instance["nodes"])
    if family == "scheduling":
        return product(range(-1, 8), repeat=len(instance["meetings"]))
    if family in ("travelling_salesman", "hamiltonian_cycle"):
        return permutations(range(instance.get("nodes") or len(instance["places"])))
    name = {"set_cover": "sets", "subset_sum": "numbers", "knapsack": "weights"}[family]
    return subsets(len(instance[name]))


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        *(clique, independent_set, colouring, scheduling, bisection),
        *(set_cover, subset_sum, knapsack, travelling_salesman, hamiltonian_cycle),
    )
}
