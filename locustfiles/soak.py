"""A soak: a mixed audience for hours, to see what only time shows: leaks, compaction, disks that fill.

locust -f locustfiles/soak.py --headless -u 30 -r 1 -t 8h
"""

from lensload.locust import Browsers, Buyers, Searchers


class MostVisitors(Browsers):
    """Most people look."""

    weight = 6


class SomeVisitors(Searchers):
    """Some search."""

    weight = 3


class OneInTen(Buyers):
    """One in ten came to buy."""

    weight = 1
