"""A soak: a mixed audience for hours, to see what only time shows: leaks, compaction, disks that fill.

locust -f locustfiles/soak.py --headless -u 30 -r 1 -t 8h
"""

from lensload import locust


class Browsers(locust.Browsers):
    """Most people look."""

    weight = 6


class Searchers(locust.Searchers):
    """Some search."""

    weight = 3


class Buyers(locust.Buyers):
    """One in ten came to buy."""

    weight = 1
