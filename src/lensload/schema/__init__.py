"""The LENS schemas: rules, history, registry. The .avsc files are in the folder schemas/. It never encodes an event."""
