"""Columns to Avro bytes, the same bytes that fastavro writes. It never decides what happens or when."""
