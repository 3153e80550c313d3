"""When each event is due: a profile and a rate as times. It never sleeps and never reads a clock."""
