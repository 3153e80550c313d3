"""Whether a run is valid and meets its objectives: pure, over plain values. It never measures and never reads a file."""
