"""Which draw of the key of a session, a page or a visit decides what. Two things that share a number are correlated."""

PERSON, START, KIND, PAGES, BUYS, MEASURES = range(6)
"""Of a session."""

PAUSE, FIRST_CHOICE = 10, 11
"""Of a page: 0 to 9 are the recommender's, 11 to 21 decide about rank and search."""

DWELL, THOUGHT, KEEPS, RATES, STARS, SEEKS, FINDS, ASKS = range(8)
"""Of a visit."""
