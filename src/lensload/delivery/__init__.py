"""Which event arrived: sent, failed and seen, event by event, from the ids. It never looks at times."""
