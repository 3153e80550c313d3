"""Capacity: the highest rate at which a cluster holds its objectives, found by runs."""
