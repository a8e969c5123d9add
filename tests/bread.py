"""A small map of a subject, bread, with something of every kind that a map holds."""

from headway.concepts.course import Advice, Connection, CriticalPath, Entry, Heading, Neighbour, Pathway, Stop
from headway.concepts.graph import Concept, Edge, Group, Map, Relation

FLOUR = Concept(
    "flour", title="Flour", type="component", group="dough", aliases=("Wheat flour",), definition="Ground grain."
)
LOAF = Concept("loaf", title="Loaf", type="component", definition="Baked flour.", requires=("flour",), source="Own.")
MAP = Map(
    "Bread",
    subject="Baking",
    goal="loaf",
    concepts=(FLOUR, LOAF),
    groups=(Group("dough", title="Dough"),),
    relations=(Relation("becomes", word="becomes", family="mechanism", aliases=("turns into",)),),
    edges=(Edge("flour", relation="becomes", target="loaf", strength="Strong", provenance=("graph",), claim="R01"),),
    hierarchy=(Heading((Entry("Flour", concept="flour", facts=("Ground grain",)), Entry("Salt")), title="DOUGH"),),
    pathways=(
        Pathway(
            (Stop("Flour", concepts=("flour",)),), title="First", goal="Know flour", assessment="Tells grain apart"
        ),
    ),
    critical=(CriticalPath((Stop("Loaf", concepts=("loaf",)),), title="Shortest", reasons=("It is eaten.",)),),
    neighbours=(
        Neighbour((Connection("Flour", concepts=("flour",), there="Grist", implication="Grow it"),), title="Farming"),
    ),
    advice=(Advice(("Taste it",), title="First of all"),),
)
