"""A service under test: its answers compared with the requests, the lag of its consumer groups. It never answers."""
