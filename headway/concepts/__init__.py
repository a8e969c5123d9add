"""The map of the subject: graph, paths, documents. Needs no engine."""
