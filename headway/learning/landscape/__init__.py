"""The loss landscape: the loss as a function of the parameters alone, cut open, and its curvature at a point."""
