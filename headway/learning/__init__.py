"""How it improves: from loss to update."""
