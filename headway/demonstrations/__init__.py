"""The map at work: a function a concept, a few lines of the public API that show it, under the concept's name."""
