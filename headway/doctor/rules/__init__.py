"""Rules: each looks at one cause, and says what it found or why it is ruled out."""
