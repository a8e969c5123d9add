"""The dense workloads in scikit-learn: `MLPClassifier`."""

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from benchmarks.workloads import B1, B2, CLASSES, EPS, LEARNING_RATE, ClassifierWorkload


class ScikitLearn:
    """`partial_fit` on the whole set: each call is an epoch of shuffled batches."""

    def __init__(self, workload: ClassifierWorkload) -> None:
        self.x, self.y = workload.examples()
        self.parameters = workload.parameters()  # scikit-learn makes its weights in the first update
        self.model = MLPClassifier(workload.widths, batch_size=workload.batch, learning_rate_init=LEARNING_RATE,
                                   beta_1=B1, beta_2=B2, epsilon=EPS, alpha=0.0, random_state=0)  # fmt: skip

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            self.model.partial_fit(self.x, self.y, classes=np.arange(CLASSES))

    def outputs(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.model.predict_log_proba(x)
