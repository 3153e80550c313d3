"""The configuration of a run: fields, their options, and where values come from. It opens no connection."""
