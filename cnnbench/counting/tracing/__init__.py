"""What runs: a pass on shapes, or on values, its operators recorded, the network left as it was.

`trace` runs it, `recorder` hears of every operator, `computing` finds its output by shapes or by
running it, `constants` keeps values that shapes tell, `higher` follows operators that take
functions. `ledger` keeps costs and storages, `asked` tells where values are asked for, `failures`
why a pass ended, `restoring` undoes what the pass did to the network.
"""
