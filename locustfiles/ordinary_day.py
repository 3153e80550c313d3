"""An ordinary day: one kind of audience, as many users as you say, each a slice of it with a rate of its own.

locust                                      the web UI
locust --headless -u 50 -r 5 -t 2m          50 users of 100 events/s (--user-rate) each
"""

from lensload.locust import OrdinaryAudience

__all__ = ["OrdinaryAudience"]
