"""Remedies: what can be changed in a recipe against each cause, and why, what it costs, what would refute it."""
