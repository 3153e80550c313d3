"""Labelled faults in seeded records: which kinds there are, when and where they happen. They never touch a live run."""
