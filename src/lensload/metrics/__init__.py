"""What is measured: stages, histograms and counts, which can be added up over processes. It never judges."""
