"""What it learns from."""
