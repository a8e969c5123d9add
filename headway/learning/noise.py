"""Gradient noise: how far the gradient of a batch is from that of all examples, and what batch size that asks for."""

from typing import Any, NamedTuple

import numpy as np

from headway.spec.error import HeadwayError


class NoiseScale(NamedTuple):
    """The batch size at which noise and slope weigh the same.

    value       B = tr Σ / |G|², Σ the covariance of the gradients of single examples, G their mean; ∞ where the
                slope cannot be told from 0
    low, high   between which it is, at two standard errors (Fieller 1954); ∞ where no end is known
    noise       tr Σ; it may come out below 0 where it is next to nothing
    slope       |G|², likewise
    """

    value: float
    low: float
    high: float
    noise: float
    slope: float

    def progress(self, batch_size: float) -> float:
        """What an update of this batch size wins of the best one without noise: 1 / (1 + B / batch_size)."""
        return 1 / (1 + self.value / batch_size)


def noise_scale(squares: Any, products: Any, batch_size: int) -> NoiseScale:
    """The gradient noise scale from the gradients g_k of two or more batches of one size b, drawn independently.

    squares     |g_k|², [batches]
    products    g_k · ḡ with their mean ḡ, [batches]

    A batch of n examples has E|g|² = |G|² + tr Σ / n. With n = b and n = K b, |ḡ|² for the latter, both are estimated
    without bias: |G|² = (K |ḡ|² − mean |g_k|²) / (K − 1), tr Σ = b K (mean |g_k|² − |ḡ|²) / (K − 1) (McCandlish,
    Kaplan, Amodei et al. 2018, appendix A.1). Errors are those of the jackknife that leaves out a batch at a time.
    """
    squares, products = np.asarray(squares, float), np.asarray(products, float)
    count = len(squares)
    if squares.ndim != 1 or squares.shape != products.shape or count < 2:
        raise HeadwayError("squares", "must be two or more, with a product for each", f"{squares.shape}, "
                           f"{products.shape}", "Give smaller batches, and more of them.")  # fmt: skip
    whole = _moments(float(products.mean()), float(squares.mean()), count, batch_size)
    if count == 2:
        return NoiseScale(_ratio(*whole), 0.0, np.inf, *whole)
    left = count - 1
    means = (count**2 * products.mean() - 2 * count * products + squares) / left**2
    without = _moments(means, (squares.sum() - squares) / left, left, batch_size)
    covariance = left**2 / count * np.cov(np.stack(without))
    return NoiseScale(_ratio(*whole), *_interval(whole, covariance), *whole)


def _moments(mean_square: Any, square_mean: Any, count: int, batch_size: int) -> tuple[Any, Any]:
    """tr Σ and |G|² from |ḡ|² and mean |g_k|²."""
    noise = batch_size * count * (square_mean - mean_square) / (count - 1)
    return noise, (count * mean_square - square_mean) / (count - 1)


def _ratio(noise: float, slope: float) -> float:
    return max(0.0, noise) / slope if slope > 0 else np.inf


def _interval(whole: tuple[float, float], covariance: np.ndarray, z: float = 2.0) -> tuple[float, float]:
    """All ratios r ≥ 0 for which noise − r slope is within z standard errors of 0."""
    (noise, slope), ((vn, c), (_, vs)) = whole, covariance
    a, b, d = slope**2 - z**2 * vs, noise * slope - z**2 * c, noise**2 - z**2 * vn
    root = float(np.sqrt(max(0.0, b**2 - a * d)))
    low = d / (b + root) if d > 0 and b + root > 0 else 0.0
    return float(low), float((b + root) / a) if a > 0 and slope > 0 else np.inf
