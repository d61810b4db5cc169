"""The search of the largest batch, against trying them all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.errors import InputError
from cnnbench.studies.largest_batch import MOST, largest_batch


@given(
    st.lists(st.integers(1, 50), min_size=30, max_size=30), st.integers(0, 2000), st.integers(1, 2)
)
def test_it_is_the_largest_that_fits(steps: list[int], limit: int, least: int) -> None:
    def held(batch: int) -> int:  # grows by whatever steps, then by the last
        return sum(steps[:batch]) + max(0, batch - len(steps)) * steps[-1]

    fits = [batch for batch in range(least, 2100) if held(batch) <= limit]
    assert largest_batch(held, limit, least) == max(fits, default=0)


def test_a_line_is_followed_in_a_few_steps() -> None:
    asked = []

    def held(batch: int) -> int:
        asked.append(batch)
        return 100_000_000 + 87_000_000 * batch

    assert largest_batch(held, 24 * 2**30) == (24 * 2**30 - 100_000_000) // 87_000_000
    assert len(asked) <= 4


def test_a_batch_without_end_is_said_to_be_the_most() -> None:
    assert largest_batch(lambda batch: batch, 2**60) == MOST


def test_memory_that_does_not_grow_has_no_largest_batch() -> None:
    with pytest.raises(InputError, match="does not grow with the batch: 7 bytes at 1 and at 2"):
        largest_batch(lambda batch: 7, 100)
