"""Views of a run file: readers of it, nothing else."""
