"""What raw seconds say: how they are taken, their statistics, how far another run lies."""
