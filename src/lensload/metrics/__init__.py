"""What is measured: stages, histograms, counts and intervals that add up. It never judges."""
