"""Replay: reading history back, each message by the schema version that wrote it. It never times a message.

    start -> source -> (merge) -> batch -> decoder -> counts, rejects and outputs

`job.py` is where a replay starts, `session.py` where the parts meet.
"""
