"""Whether the signal survives depth: gradients at initialisation, short trainings."""
