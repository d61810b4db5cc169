"""The conditions in which a worker runs: what else would differ from one process to the next.

glibc gives memory back to the system after a pass and takes it again for the next, page by page,
or not, by what a process happened to do before (mallopt(3)). Here it keeps what it has. Variables
that a user has set are left as they are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(64 * 2**20),
}
_OPENMP = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")


def conditions(
    cores: Sequence[int] = (), *, pinned: bool = True, given: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Variables of a worker's environment beside those that it inherits.

    The allocator keeps its memory where it is `pinned`. OpenMP binds its threads to `cores`, in
    their order; to none where there are none.
    """
    bound = {}
    if cores:
        bound = {"OMP_PROC_BIND": "true", "OMP_PLACES": ",".join(f"{{{core}}}" for core in cores)}
    return {
        name: value
        for name, value in {**(ALLOCATOR if pinned else {}), **bound}.items()
        if name not in given
    }


def decided(given: Mapping[str, str] = os.environ) -> bool:
    """Whether a user has said where threads lie."""
    return any(name in given for name in _OPENMP)
