"""What is cheaper, how much faster it is, and why not as much as its FLOPs promise."""
