"""How paths walk a map, what must be known first, what no path visits, and routes between two concepts."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given

from headway.concepts.catalog import deep_learning
from headway.concepts.course import Stop
from headway.concepts.graph import Concept, Edge, Map, Relation
from headway.concepts.mermaid import drawn
from headway.concepts.pathways import (
    critical_path,
    places,
    prerequisites,
    required_by,
    routes,
    unvisited,
    visited_by,
    walk,
)
from headway.spec.error import HeadwayError
from maps import maps

REQUIRES = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "d", "f": ""}
MAP = Map(
    "T",
    subject="S",
    goal="d",
    concepts=tuple(Concept(n, title=f"The {n}", type="component", definition="d", requires=tuple(r))
                   for n, r in REQUIRES.items()),
    relations=(Relation("r", word="r", family="effect"),),
    edges=tuple(Edge(a, relation="r", target=b) for a, b in ("ab", "bc", "cd", "ad", "ea")),
)  # fmt: skip


def stop(names: str, title: str = "T") -> Stop:
    return Stop(title, concepts=tuple(names))


def test_a_path_goes_along_edges_against_them_past_them_and_through_what_is_missing():
    ways = [leg.way for leg in walk(MAP, [*map(stop, "abdcf"), Stop("Elsewhere"), stop("a")])]
    assert ways == ["forward", "no edge", "backward", "no edge", "missing", "missing"]


def test_concepts_that_share_a_stop_are_alternatives_and_those_in_brackets_come_one_after_the_other():
    assert places(MAP, [stop("ab", "The a/The b")]) == (("a", "b"),)
    assert places(MAP, [stop("abc", "The a (b, c)")]) == (("a",), ("b",), ("c",))
    assert places(MAP, [stop("ab", "Solutions (a, b)")]) == (("a", "b"),)
    assert walk(MAP, [stop("af"), stop("fb")])[0].way == "forward"


def test_the_pathways_walk_the_drawing_as_counted_for_the_seed():
    """But for the chain rule, which stands before backpropagation here since this requires it."""
    subject = deep_learning()
    ways = Counter(leg.way for path in subject.pathways for leg in walk(drawn(subject), path.stops))
    assert ways == {"forward": 8, "backward": 3, "no edge": 10, "missing": 4}


def test_fifteen_of_the_drawn_concepts_are_no_stop_of_a_path_and_yet_all_are_on_one():
    subject = deep_learning()
    paths = (*subject.pathways, *subject.critical)
    stops = {name for path in paths for stop in path.stops for name in stop.concepts}
    left = {concept.name for concept in drawn(subject).concepts} - stops
    assert len(left) == 15
    assert {"cross-entropy", "mean-squared-error"} <= left
    assert unvisited(subject) == ()


def test_prerequisites_are_the_smallest_closure_each_after_what_it_requires():
    assert prerequisites(MAP, "d") == ("a", "b", "c", "d")
    assert prerequisites(MAP, "The b", "f") == ("a", "b", "f")
    assert prerequisites(MAP, "a") == ("a",)
    assert critical_path(MAP) == ("a", "b", "c", "d")
    assert required_by(MAP, "a") == ("b", "c")


@given(maps())
def test_prerequisites_of_any_map_are_closed_in_order_and_none_is_idle(subject):
    requires = {concept.name: set(concept.requires) for concept in subject.concepts}
    for goals in combinations(requires, min(2, len(requires))):
        order = prerequisites(subject, *goals)
        assert len(set(order)) == len(order)
        for i, name in enumerate(order):
            assert requires[name] <= set(order[:i])
            assert name in goals or any(name in requires[later] for later in order[i + 1 :])


def test_the_critical_path_of_deep_learning_has_the_loss_that_the_seed_s_own_lacks():
    path = critical_path(deep_learning())
    assert path[0] == "neuron"
    assert path[-1] == "training"
    assert {"layer", "activation-function", "loss-function", "backpropagation", "optimizer"} < set(path)
    assert len(path) == 9
    (shortest, _) = deep_learning().critical
    assert "loss-function" not in {name for stop in shortest.stops for name in stop.concepts}


def test_a_map_without_a_goal_has_no_critical_path():
    with pytest.raises(HeadwayError, match="goal: a critical path leads to a goal"):
        critical_path(Map("T", subject="S", concepts=MAP.concepts))


def test_visited_by_names_the_paths_through_a_concept():
    titles = [path.title for path in visited_by(deep_learning(), "vanishing-gradient")]
    assert titles == ["Training Mechanics", "Expanded Path for Practitioners"]


def shown(subject: Map, *ends: str, **options: int) -> list[str]:
    return ["".join(f"{'' if step.forward else '-'}{step.edge.source}{step.edge.target} " for step in route).strip()
            for route in routes(subject, *ends, **options)]  # fmt: skip


def test_routes_are_the_shortest_along_the_arrows():
    assert shown(MAP, "a", "d") == ["ad"]
    assert shown(MAP, "b", "d") == ["bc cd"]
    assert shown(MAP, "The e", "c") == ["ea ab bc"]
    assert shown(MAP, "a", "a") == [""]


def test_where_arrows_do_not_lead_routes_go_against_them_too():
    assert shown(MAP, "d", "e") == ["-ad -ea"]
    assert shown(MAP, "a", "f") == []


def test_of_many_routes_so_many_are_given():
    both = Map("T", subject="S", concepts=MAP.concepts, relations=MAP.relations,
               edges=tuple(Edge(a, relation="r", target=b) for a, b in ("ab", "ac", "bd", "cd")))  # fmt: skip
    assert sorted(shown(both, "a", "d")) == ["ab bd", "ac cd"]
    assert len(routes(both, "a", "d", most=1)) == 1


def test_an_unknown_end_is_answered_with_what_comes_close():
    with pytest.raises(HeadwayError, match=r"'dropuot'.*Did you mean 'dropout'"):
        routes(deep_learning(), "dropuot", "loss")
