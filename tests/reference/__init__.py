"""Slow, obvious twins of the compiled kernels, written from the rules of the cost and from nothing else."""
