"""What the map says, measured: every statement with a check of its kind, its evidence, and an honest verdict."""
