"""Many runs side by side: a grid of recipes in one call, and a test of the learning rate over seeds."""
