"""The fields of a run's configuration that are about a service under test: who answers, and which groups are watched."""

from typing import Literal

from lensload.config import types
from lensload.option import Group, Shown, option
from lensload.parse import Duration


class Service(Group):
    """Who answers the requests, and whose consumers are watched."""

    recommender: Literal["simulated", "external"] = option(
        "simulated",
        Shown("NAME"),
        "Who answers the requests. simulated: lensload writes responses too. external: a service under test"
        " answers, the rate is that of requests, and people click on what it recommends.",
    )
    response_timeout_s: Duration = option(
        10.0,
        Shown("DURATION", name="response_timeout"),
        "With an external recommender: an answer that takes longer is late. At its end the run waits that long for"
        " answers.",
        gt=0,
    )
    responses_topic: types.OptionalText = option(
        None,
        Shown("NAME"),
        "Topic on which an external recommender answers; --topic-prefix is put before it."
        " Default: recommendation-responses.",
    )
    watch_group: types.Names = option(
        (),
        Shown("NAME", several=True),
        "Consumer group whose lag on the topics of the run is measured each second. May be repeated; several in one"
        " text are separated by commas.",
    )

    @property
    def external(self) -> bool:
        """A service under test answers the requests."""
        return self.recommender == "external"
