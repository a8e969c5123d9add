"""Networks worth knowing, as functions that return specs."""
