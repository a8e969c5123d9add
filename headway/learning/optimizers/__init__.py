"""From gradients to updates, in Optax's protocol, so that ours and Optax's serve in each other's place."""
