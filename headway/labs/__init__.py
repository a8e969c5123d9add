"""Learning by doing, graded by behaviour."""
