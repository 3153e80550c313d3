"""The world: people, items, sessions and what a recommender makes of them, as events."""
