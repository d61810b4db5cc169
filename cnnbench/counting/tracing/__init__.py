"""What runs: a pass on shapes alone, its operators recorded, the network left as it was.

`trace` runs it, `recorder` hears of every operator, `ledger` keeps costs and storages, `restoring`
undoes what the pass did to the network.
"""
