"""Child processes: starting them, their messages, ending them. It never makes, sends or reads an event."""
