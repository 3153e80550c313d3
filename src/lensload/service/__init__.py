"""A service under test: its answers, held against the requests, and the lag of its consumer groups."""
