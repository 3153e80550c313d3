"""Whether a run is valid (rules) and meets its objectives (slo), from plain values. It never reads a file."""
