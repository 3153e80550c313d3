"""Whether a run is valid (rules) and meets its objectives (slo): pure, over plain values. It never reads a file."""
