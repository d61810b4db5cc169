"""The zoo: one file a paper, the citation first, then its table, then what builds it."""
