"""Locust as a way to start runs and to steer their load. The only package that imports Locust, which patches its process.

A locustfile imports its classes from here, and needs nothing else: `__all__` is what users write.

    hooks         Locust's events and the process's signals, and what each starts
    options       our options on Locust's command line and in its web form
    audience      kinds of audience, as Locust users
    master        runs one after another, each by a `lensload.coordinator.coordinator.Coordinator`
    worker        one worker: its users are its generator's audience
    transport     Locust's runners as carriers of messages
    stats_table   Locust's own table
    console_table what Locust prints of it
"""

from locust import LoadTestShape, User

from lensload.locust import hooks
from lensload.locust.audience import Audience, Browsers, Buyers, OrdinaryAudience, Searchers

__all__ = ["Audience", "Browsers", "Buyers", "LoadTestShape", "OrdinaryAudience", "Searchers", "User"]

hooks.install()
