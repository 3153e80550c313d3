"""Replay: reading history back, each message by the schema version that wrote it.

    start -> source -> (merge) -> batch -> decoder -> counts, rejects and outputs

`command.py` is the door, `session.py` where the parts meet.
"""
