"""Pre-flight of anybody's loss function, in seconds, before anything is trained."""
