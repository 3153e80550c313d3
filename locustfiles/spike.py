"""A spike: an ordinary audience, into which three times as many buyers burst for half a minute.

locust -f locustfiles/spike.py --headless
"""

from lensload.locust import Buyers, LoadTestShape, OrdinaryAudience, User


class Visitors(OrdinaryAudience):
    """Those who are always there."""


class Crowd(Buyers):
    """Three to each visitor, while they are there."""


class Spike(LoadTestShape):
    """Quiet, crowd, quiet; the last part shows how long the cluster takes to recover."""

    users = 20
    from_s, to_s, until_s = 30, 60, 120

    def tick(self) -> tuple[int, float, list[type[User]]] | None:
        """The users there should be now: to the visitors, who stay, a crowd is added."""
        now_s = self.get_run_time()
        if now_s >= self.until_s:
            return None
        if self.from_s <= now_s < self.to_s:
            return 4 * self.users, 100, [Crowd]
        return self.users, 100, [Visitors]
