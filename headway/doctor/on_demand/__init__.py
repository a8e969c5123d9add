"""Measurements on demand: what costs more than a look, taken at the weights of a run or at the initial ones."""
