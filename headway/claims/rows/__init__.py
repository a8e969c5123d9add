"""The claims: every statement of the map, what would support it, and what would refute it, group by group."""
