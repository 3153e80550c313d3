"""When each event is due, from a rate and a profile. It never sleeps and never reads a clock."""
