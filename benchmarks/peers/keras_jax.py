"""The workloads in Keras 3 on JAX: `fit`."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, ClassifierWorkload


class KerasJAX:
    """`fit` on arrays in memory, its progress bar off."""

    def __init__(self, workload: ClassifierWorkload) -> None:
        self.x, self.y = workload.examples()
        self.batch = workload.batch
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Input(workload.inputs)]
        for channels in workload.channels:
            layers += [keras.layers.Conv2D(channels, 3, padding="same", activation="relu"), keras.layers.MaxPool2D(2)]
        layers += [keras.layers.Flatten(), *(keras.layers.Dense(w, activation="relu") for w in workload.widths)]
        self.model = keras.Sequential([*layers, keras.layers.Dense(CLASSES)])
        self.parameters = self.model.count_params()
        self.model.compile(
            keras.optimizers.Adam(LEARNING_RATE, B1, B2, EPS),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def train(self, epochs: int) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=epochs, verbose=0)

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.model(x))
