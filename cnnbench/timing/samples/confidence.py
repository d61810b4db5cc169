"""How sure intervals are. Needs nothing."""

from __future__ import annotations

OF_MEDIAN = 0.95
OF_RERUN = 0.95  # of where another run is expected
# A comparison looks several times until it is narrow. At Pocock's level (Biometrika 64, 1977,
# table 1: 5% over five looks) at most 5 of 100 exclude the true ratio, which a test simulates.
OF_RATIO = 1 - 0.0158
