"""A map of any subject: what must be known first, how its paths walk it, what holds it together, and its drawing."""

from pathlib import Path

import headway as hw
from headway.concepts.centrality import bridges, centrality
from headway.concepts.export import export
from headway.concepts.mermaid import mermaid_of, parse_mermaid
from headway.concepts.pathways import prerequisites, routes, walk

bread = hw.load_map(Path(__file__).parent / "maps" / "bread.toml")
title = {concept.name: concept.title for concept in bread.concepts}

to_learn = prerequisites(bread, "Loaf")
print("for a loaf, learn:", " → ".join(title[name] for name in to_learn))
assert to_learn == ("yeast", "flour", "water", "gluten", "fermentation", "loaf")

first = bread.pathways[0]
legs = [leg.way for leg in walk(bread, first.stops)]
print(f"{first.title}:", ", ".join(legs))
assert legs.count("forward") == 1, "a path to learn by need not go along the arrows"

(route,) = routes(bread, "Yeast", "Collapse")
print(
    "why dough collapses:",
    " ".join(f"—{bread.relation(step.edge.relation).word}→ {step.edge.target}" for step in route),
)
assert [step.edge.target for step in route] == ["fermentation", "collapse"]

most = centrality(bread)[0]
print(f"most connected: {title[most.concept]}, {most.incoming} in, {most.outgoing} out; {len(bridges(bread))} bridges")
assert most.concept == "fermentation"

drawing = export(bread, "mermaid")
assert parse_mermaid(drawing).titled() == mermaid_of(bread).titled()

deep_learning = hw.deep_learning()
relu = deep_learning.concept("Rectified Linear Unit")
print(f"{relu.title}: {relu.definition} Code: {relu.code}")
assert relu.code == "headway.network.activations.ReLU"
