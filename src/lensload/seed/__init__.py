"""Seeding: days of history written into a cluster, the same every time, with a manifest that says what was written."""
