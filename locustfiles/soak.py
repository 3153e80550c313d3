"""A soak: a mixed audience for hours, to see what only time shows: leaks, compaction, disks that fill.

locust -f locustfiles/soak.py --headless -u 30 -r 1 -t 8h
"""

from lensload import control


class Browsers(control.Browsers):
    """Most people look."""

    weight = 6


class Searchers(control.Searchers):
    """Some search."""

    weight = 3


class Buyers(control.Buyers):
    """One in ten came to buy."""

    weight = 1
