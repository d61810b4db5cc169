"""The zoo: one file a paper, the citation first, then its table, then what builds it.

`layers` has what papers share, `blocks` the blocks that `compare` compares, `chain` the networks
that are made of equal pieces, which scale.
"""
