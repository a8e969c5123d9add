"""What can be wrong with a document of a concept map: a check is a small function, its docstring what it means."""
