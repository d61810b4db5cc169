"""Interpolation between scattered samples.

Simple kriging around the median of the samples, with an exponential covariance (Rasmussen &
Williams, Gaussian processes for machine learning, 2006, eq. 2.25 and 4.18): far from every sample
it returns that median.

O. Dubrule, Cross validation of kriging in a unique neighborhood, Mathematical Geology 15(6), 1983.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_RANGE = 8.0  # over which a sample says little of its neighbours, in octaves
_NUGGET = 0.05  # variance of a sample itself, in that of all
_OF_NORMAL = 1.4826  # a normal distribution's standard deviation over its median deviation


class Kriging:
    """Values at positions, and between them."""

    def __init__(self, positions: Sequence[Sequence[float]], values: Sequence[float]) -> None:
        """At least one sample; positions have one length."""
        self._at = np.array(positions, dtype=float)
        found = np.array(values, dtype=float)
        self._middle = float(np.median(found))
        covariance = _covariance(self._at, self._at) + _NUGGET * np.eye(len(found))
        inverse = np.linalg.inv(covariance)
        self._weights = inverse @ (found - self._middle)
        # What each sample is off where the others alone foretell it (Dubrule 1983).
        self._left_out = self._weights / np.diag(inverse)

    @property
    def deviation(self) -> float:
        """The standard deviation of a sample from what the others say, by the median."""
        return float(_OF_NORMAL * np.median(np.abs(self._left_out)))

    def distance(self, position: Sequence[float]) -> float:
        """How far the nearest sample is."""
        return float(np.sqrt(((self._at - np.array(position)) ** 2).sum(-1)).min())

    def __call__(self, positions: Sequence[Sequence[float]]) -> NDArray[np.float64]:
        """Values there."""
        near = _covariance(np.array(positions, dtype=float), self._at)
        between: NDArray[np.float64] = self._middle + near @ self._weights
        return between


def _covariance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    distance = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    near: NDArray[np.float64] = np.exp(-distance / _RANGE)
    return near
