"""A sweep as an array job of Slurm."""
