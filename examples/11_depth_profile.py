"""Depth builds features: what a linear readout can tell behind every layer of a network, trained and untrained."""

from dataclasses import replace

import jax

import headway as hw

# Two spirals wound around one another: no line parts them.
network = hw.mlp((32, 32, 32, 32), 2)
recipe = hw.Recipe(
    network,
    data=hw.Data(hw.Spirals(2000)),
    loss=hw.CrossEntropy(),
    optimizer=hw.AdamW(3e-3),
    batch_size=50,
    length=3000,
)
run = hw.train(recipe)

# A readout is a logistic regression on the activations behind a layer, judged on the test set.
trained = hw.probe_depths(run)
print(trained)

# The same network with its first, random weights.
params, state = hw.initialize(network, run.schema.input_shape, jax.random.key(0))
untrained = hw.probe_depths(replace(run, values={"params": params, "network": state}))
print(untrained)

# At the inputs, and behind the first layer, which is linear, a line gets two thirds right. With every activation more
# can be read, until all can: but only behind layers that were trained to it.
assert trained[None].accuracy < 0.75
assert abs(trained["1"].accuracy - trained[None].accuracy) < 0.02
assert trained["2"].accuracy < trained["4"].accuracy < trained["6"].accuracy
assert trained["8"].accuracy > 0.95
assert max(readout.accuracy for readout in untrained.readouts) < 0.75

# Other labels than those of the training can be read too: is a point near the middle?
near = hw.probe(run, "2", lambda x, y: (x**2).sum(1) < 1)
print(f"near the middle, read behind the first ReLU: {near.accuracy:.3f}")
assert near.accuracy > 0.9 > hw.probe(run, None, lambda x, y: (x**2).sum(1) < 1).accuracy
