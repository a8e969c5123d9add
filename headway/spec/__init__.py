"""Every choice is a value: check it, walk it, edit it, diff it, save it."""
