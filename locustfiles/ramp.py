"""A ramp: ten users more every ten seconds, up to a hundred, to find the rate from which latency climbs.

locust -f locustfiles/ramp.py --headless
"""

from lensload.locust import LoadTestShape, OrdinaryAudience

__all__ = ["OrdinaryAudience", "Ramp"]


class Ramp(LoadTestShape):
    """A staircase of users."""

    step_users = 10
    step_s = 10
    steps = 10

    def tick(self) -> tuple[int, float] | None:
        """The users there should be now; None when the stairs are climbed."""
        step = int(self.get_run_time() // self.step_s) + 1
        return (step * self.step_users, 100) if step <= self.steps else None
