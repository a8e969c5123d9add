"""What to watch, measured inside the compiled step."""
