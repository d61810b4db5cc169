"""GUARD: baseline and check: cost regression in CI."""
