"""GUARD: baseline, check, duet: cost regression in CI."""
