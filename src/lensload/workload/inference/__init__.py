"""A workload file from schemas: what fields, keys and topics are most likely meant to be. It makes no events."""
