"""Locust as the control plane: the only package here that imports locust, which patches its process for gevent.

A locustfile imports its classes from here, and needs nothing else. What a run then does:

    hooks      Locust's events and the process's signals, and what each sets going
    headless   one run of `lensload bench`, without Locust's command line
    options    our options on Locust's command line and in its web form
    audience   kinds of audience, as Locust users
    master     runs one after another: prepare, conduct, drain, write
    conduct    one run: orders to the workers, their reports, the schedule, the drain
    worker     one worker's crew: told the audience, heard, drained
    messages   what master and workers tell each other
    table      Locust's own table
    metrics    live metrics for Prometheus

Beside it, without Locust: `lensload.processes.supervisor` (the processes of a worker), `lensload.coordinator.workers` (who takes part, and how
far each has got) and `lensload.coordinator.recorder` (what was counted, second by second).
"""

from locust import LoadTestShape, User

from lensload.locust import hooks
from lensload.locust.audience import Audience, Browsers, Buyers, OrdinaryAudience, Searchers

__all__ = ["Audience", "Browsers", "Buyers", "LoadTestShape", "OrdinaryAudience", "Searchers", "User"]

hooks.install()
