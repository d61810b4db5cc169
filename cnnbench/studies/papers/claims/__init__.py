"""What the papers and Andrew Ng's course claim, held against counts, times and short trainings."""
