"""What a diagnosis measures when a hypothesis needs it: pure functions of a run's numbers, or of a few passes."""
