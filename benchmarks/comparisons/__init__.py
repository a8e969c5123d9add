"""Parts of networks and of training held against each other over ten seeds, each arm at its own tuned numbers."""
