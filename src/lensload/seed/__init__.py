"""Seeding: history with a truth planted in it."""
