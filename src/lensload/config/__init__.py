"""The configuration of a run: its fields (each is an option), and where values come from. It opens no connection."""
