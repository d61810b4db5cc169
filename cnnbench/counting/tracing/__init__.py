"""What runs: a pass on shapes alone, its operators recorded, the network left as it was."""
