"""The largest batch whose pass, or training step, fits into so many bytes."""

from __future__ import annotations

from collections.abc import Callable

from cnnbench.errors import InputError

MOST = 2**24  # images: no batch is larger


def largest_batch(held: Callable[[int], int], limit: int, least: int = 1) -> int:
    """The largest batch of which `held` says that it takes at most `limit` bytes; 0 of none.

    Memory grows with the batch, nearly along a line, so a line through two batches says where to
    look next; a batch that fits and the next one that does not are the proof. `least` is the first
    batch that can be counted. InputError where memory does not grow.
    """
    known = {batch: held(batch) for batch in (least, least + 1)}
    if known[least] >= known[least + 1]:
        raise InputError(
            f"its memory does not grow with the batch: {known[least]:,} bytes at {least} and at "
            f"{least + 1}; an example that is a function must take batch"
        )
    if known[least] > limit:
        return 0
    low, high = least, MOST + 1
    while high - low > 1:
        # Every fourth halves what is left, should memory not grow along a line.
        guess = _on_line(known, limit) if len(known) % 4 else (low + high) // 2
        guess = min(max(guess, low + 1), high - 1)
        known[guess] = held(guess)
        low, high = (guess, high) if known[guess] <= limit else (low, guess)
    return low


def _on_line(known: dict[int, int], limit: int) -> int:
    """Where the line through the two batches nearest to the limit reaches it."""
    a, b = sorted(sorted(known, key=lambda batch: abs(known[batch] - limit))[:2])
    if known[b] <= known[a]:
        return b
    return a + (limit - known[a]) * (b - a) // (known[b] - known[a])
