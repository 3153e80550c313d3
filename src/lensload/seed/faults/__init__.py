"""Labelled faults in seeded records: which there are, when they happen, what they do to a value."""
