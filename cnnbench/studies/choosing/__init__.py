"""Which published network to take: accuracy as it was printed, beside what is counted and timed."""
