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
        "With an external recommender: an answer is late after this time. At the end of the run answers are"
        " awaited for as long.",
        gt=0,
    )
    responses_topic: types.OptionalText = option(
        None,
        Shown("NAME"),
        "Topic on which an external recommender answers, without the topic prefix."
        " Default: recommendation-responses, with the prefix.",
    )
    watch_group: types.Names = option(
        (),
        Shown("NAME", several=True),
        "Consumer group whose lag on the topics of the run is measured each second. May be repeated; in one text,"
        " with commas between.",
    )

    @property
    def external(self) -> bool:
        """A service under test answers the requests."""
        return self.recommender == "external"
