"""Processes that run networks, for whoever times them.

A worker lives in fixed conditions (`conditions`), takes one `Order` and then one `Job` a network,
and answers in JSON, a line a question. The parent sees each network in it as an entry of rounds
like any other (`remote`); `crew` holds several workers that all have the same networks.
"""
