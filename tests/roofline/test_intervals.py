"""Where predictions expect networks: intervals from what samples foretell of each other."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench import count
from cnnbench.roofline.kriging import Kriging
from cnnbench.roofline.predict import OpPrediction, Prediction, Predictor
from cnnbench.roofline.profile import Profile


def test_the_deviation_is_that_of_samples_left_out() -> None:
    draw = np.random.default_rng(0)
    positions = draw.uniform(0, 10, (40, 2))
    values = positions[:, 0] / 3 + 0.2 * draw.standard_normal(40)
    off = []
    for place in range(40):
        rest = [other for other in range(40) if other != place]
        known = Kriging(positions[rest], values[rest])
        # around the middle of all, as the closed form has it
        known._weights = known._weights + np.linalg.solve(
            _covariance(positions[rest]), np.full(39, known._middle - np.median(values))
        )
        known._middle = float(np.median(values))
        off.append(values[place] - known([positions[place]])[0])
    expected = 1.4826 * np.median(np.abs(off))
    assert Kriging(positions, values).deviation == pytest.approx(expected, rel=1e-6)


def _covariance(at: np.ndarray) -> np.ndarray:
    from cnnbench.roofline.kriging import _NUGGET
    from cnnbench.roofline.kriging import _covariance as covariance

    found: np.ndarray = covariance(at, at) + _NUGGET * np.eye(len(at))
    return found


def test_the_distance_is_to_the_nearest_sample() -> None:
    known = Kriging([[0.0, 0.0], [3.0, 4.0]], [1.0, 2.0])
    assert known.distance([0.0, 0.0]) == 0 and known.distance([3.0, 5.0]) == 1
    assert known.distance([-3.0, -4.0]) == 5


TRACE = count("resnet20")
OP = OpPrediction(TRACE.operators[0], 1e-3, None, "conv")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(1e-6, 1.0)), min_size=1, max_size=9))
def test_an_interval_holds_its_prediction(parts: list[tuple[str, float]]) -> None:
    deviations = {"a": 0.1, "b": 0.3}  # of c nothing is known
    operators = tuple(replace(OP, kind=kind, seconds=seconds) for kind, seconds in parts)
    found = Prediction(operators, deviations=deviations)
    low, high = found.interval
    assert low < found.seconds < high and low * high == pytest.approx(found.seconds**2)
    assert found.deviation is not None and 0.05 <= found.deviation <= 0.5 + 1e-9
    assert found.within(found.seconds) == pytest.approx(0.5)
    assert found.within(high) == pytest.approx(0.95) and found.within(0.0) is None
    alone = {kind for kind, _ in parts}
    if alone == {"b"}:
        assert found.deviation == pytest.approx(0.3)


def test_of_the_roof_alone_it_is_the_least_and_far_more() -> None:
    board = Profile(name="board", flops_per_s={"float32": 1e10}, call_s=1e-5)
    found = Predictor(board, "float32")(TRACE)
    low, high = found.interval
    assert low == found.seconds and high == 6 * low
    assert found.deviation is None and found.within(1.0) is None


def test_what_no_sample_is_near_is_told() -> None:
    operators = (replace(OP, far=True), replace(OP, seconds=3e-3))
    assert Prediction(operators).far_share == pytest.approx(0.25)
    assert Prediction(()).far_share == 0 and Prediction(()).interval == (0, 0)


def test_a_profile_with_samples_tells_them_apart() -> None:
    profile = Profile(
        name="here",
        flops_per_s={"float32": 1e11},
        call_s=1e-6,
        operators={
            "float32": {
                "k x k convolution": [
                    [1, 16, 16, side, side, 3, 1, 1, 1e-4 * side] for side in (8, 16, 32)
                ],
            }
        },
    )
    found = Predictor(profile, "float32")(TRACE)
    kinds = {op.kind for op in found.operators}
    assert kinds == {"", "k x k convolution"} and 0 < found.far_share < 1
    assert found.deviation is not None and math.isfinite(found.deviation)
