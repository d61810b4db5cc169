"""WHERE: a device with so many threads, its clock, its memory, what disturbs it."""
