"""Days of history written into a cluster or files, the same every time, with a manifest. It never measures latency."""
