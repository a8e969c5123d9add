"""Schedules: the learning rate as a pure function of the update's index, 0 for the first."""
