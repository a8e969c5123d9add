"""The faults, family by family."""
