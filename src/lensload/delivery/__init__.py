"""Which events were sent, failed and seen, one by one, by their ids. It never looks at times."""
