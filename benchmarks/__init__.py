"""Headway's training step beside that of other libraries: speed, memory, and time to the first epoch."""
