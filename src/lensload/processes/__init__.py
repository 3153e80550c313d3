"""Child processes: starting them, talking to them, ending them. It knows nothing of what they do."""
