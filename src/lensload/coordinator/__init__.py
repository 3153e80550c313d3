"""One run over any number of workers: the schedule, the drain, what was counted. It never produces or reads an event."""
