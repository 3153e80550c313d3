"""Records of each topic from rows of the timeline: a class a topic, which gives the columns of its records."""

from abc import ABC, abstractmethod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import Drawn, Ids, Integers, Pool, Reals
from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.topic_batch import TopicBatch
from lensload.world import event_rows as kinds
from lensload.world.audience import Audience
from lensload.world.catalogue import CUT_ITEMS, Catalogue
from lensload.world.event_rows import Rows
from lensload.world.experiments import VARIANTS
from lensload.world.model_metrics import METRIC_TYPES, THROUGHPUT
from lensload.world.recommender import (
    ERROR,
    ERROR_MESSAGES,
    LONGEST_MS,
    MODELS,
    PARTIAL,
    STATUSES,
    explanations,
)
from lensload.world.scenario import Scenario
from lensload.world.session_slots import SessionSlots

INTERACTION_TYPES: Final = ("view", "click", "rating", "purchase", "search", "bookmark")
AB_EVENT_TYPES: Final = ("assignment", "conversion", "engagement", "metric")
_AB_METRICS: Final = (None, "order_value", "dwell_seconds", "pages_viewed")
_MOST_DWELL_S: Final = 900
_HALF_STARS: Final = tuple(stars / 2 for stars in range(2, 11))


class People:
    """The pools that several topics draw from: who, and which model."""

    def __init__(self, audience: Audience) -> None:
        self.user = Pool(("userId",), tuple((user,) for user in audience.user_ids))
        self.model = Pool(("modelName", "modelVersion"), tuple((m.name, m.version) for m in MODELS))
        self.model_name = Pool(("modelName",), tuple((m.name,) for m in MODELS))


class TopicRecords(ABC):
    """Makes rows of the timeline the records of one topic.

    Args:
        scenario: the people, goods and experiments.
        people: the pools that all topics share.
        ring: what the rows refer to.
        run_tag: goes into every id.
    """

    def __init__(self, scenario: Scenario, people: People, ring: SessionSlots, run_tag: int) -> None:
        self._scenario, self._people, self._ring, self._run_tag = scenario, people, ring, run_tag

    @abstractmethod
    def batch(self, rows: Rows, due_ns: NDArray[np.int64]) -> TopicBatch:
        """A batch of these rows, each due at its `due_ns`."""

    def _user(self, rows: Rows) -> Drawn:
        return Drawn(self._people.user, self._ring.person[rows["session"]])

    def _page_ids(self, page: NDArray[Any]) -> NDArray[np.uint8]:
        return ids.rows_of(self._ring.page_text, page)

    def _session_ids(self, rows: Rows) -> NDArray[np.uint8]:
        return ids.rows_of(self._ring.session_text, rows["session"])

    def _own_ids(self, rows: Rows, due_ns: NDArray[np.int64]) -> NDArray[np.uint8]:
        return ids.texts(ids.words(due_ns, self._run_tag, rows["lane"], rows["sequence"]))


class Requests(TopicRecords):
    """recommendation-requests: gives each page its id, which all that follows refers to."""

    def __init__(self, scenario: Scenario, people: People, ring: SessionSlots, run_tag: int) -> None:
        super().__init__(scenario, people, ring, run_tag)
        self._asked = Pool(("numRecommendations",), tuple((count,) for count in range(21)))
        self._context = Pool(("context",), tuple((context,) for context in scenario.audience.contexts))
        self._categories = len(scenario.catalogue.categories)
        self._filters = Pool(("filters",), ((None,), *(([f],) for f in _filters(scenario.catalogue))))

    def batch(self, rows: Rows, due_ns: NDArray[np.int64]) -> TopicBatch:
        """See `TopicRecords`."""
        ring, page = self._ring, rows["page"]
        _name(ring, page, due_ns, self._run_tag)
        user, pages = self._user(rows), ring.pages
        # A short list is a carousel with a theme: it filters by the two categories it is about.
        theme = 1 + pages.first[page] * self._categories + pages.second[page]
        themed = np.where(pages.asked[page] < CUT_ITEMS, theme, 0)
        columns = (
            Ids("requestId", self._page_ids(page)),
            _timestamp(due_ns),
            user,
            Drawn(self._people.model_name, pages.model[page]),
            Drawn(self._asked, pages.asked[page]),
            Drawn(self._context, user.index),
            Drawn(self._filters, themed),
        )
        return TopicBatch("recommendation-requests", due_ns, _serials(rows), user, columns)


class Responses(TopicRecords):
    """recommendation-responses: each due at the fraction of a millisecond that its request's id says."""

    def __init__(self, scenario: Scenario, people: People, ring: SessionSlots, run_tag: int) -> None:
        super().__init__(scenario, people, ring, run_tag)
        self._explanations = explanations(scenario.catalogue)
        self._took = Pool(("processingTime",), tuple((ms,) for ms in range(LONGEST_MS + 1)))
        errors = ((STATUSES[ERROR], message) for message in ERROR_MESSAGES)
        fine = (("success", None), (STATUSES[PARTIAL], None))
        self._status = Pool(("status", "errorMessage"), (*fine, *errors))

    def batch(self, rows: Rows, due_ns: NDArray[np.int64]) -> TopicBatch:
        """See `TopicRecords`."""
        ring = self._ring
        name_pages(ring, rows["page"], due_ns, self._run_tag)
        due_ns = ids.moved_to_fraction_of(due_ns, ring.page_due_ns[rows["page"]])
        order = np.argsort(due_ns, kind="stable")
        due_ns, page = due_ns[order], rows["page"][order]
        pages = ring.pages
        user = Drawn(self._people.user, ring.person[rows["session"][order]])
        status = pages.status[page]
        columns = (
            Ids("requestId", self._page_ids(page)),
            _timestamp(due_ns),
            user,
            Drawn(self._people.model, pages.model[page]),
            Rankings(
                "recommendations",
                self._scenario.catalogue.item_ids,
                pages.ranked(page, self._scenario.catalogue),
                pages.scores(page),
                pages.shown[page],
                self._explanations,
                pages.explanation[page],
            ),
            Drawn(self._took, pages.processing_ms[page]),
            Drawn(self._status, np.where(status == ERROR, ERROR + pages.error[page], status)),
        )
        return TopicBatch(
            "recommendation-responses",
            due_ns,
            ids.serials(ring.page_lane[page], ring.page_sequence[page]),
            user,
            columns,
        )


class Interactions(TopicRecords):
    """user-interactions: each linked to the request whose page it happened on."""

    def __init__(self, scenario: Scenario, people: People, ring: SessionSlots, run_tag: int) -> None:
        super().__init__(scenario, people, ring, run_tag)
        catalogue = scenario.catalogue
        self._item_count = len(catalogue.item_ids)
        self._action = Pool(
            ("interactionType", "itemId", "itemCategory"),
            tuple(
                (kind, item, catalogue.categories[category])
                for kind in INTERACTION_TYPES
                for item, category in zip(catalogue.item_ids, catalogue.category.tolist(), strict=True)
            ),
        )
        self._outcome = Pool(
            ("duration", "rating"),
            (
                *((None, None), *((seconds, None) for seconds in range(1, _MOST_DWELL_S + 1))),
                *((None, stars) for stars in _HALF_STARS),
            ),
        )
        self._query = Pool(("searchQuery",), ((None,), *((query,) for query in catalogue.queries)))
        shown = tuple({"origin": "recommendation", "position": str(rank)} for rank in range(1, 11))
        self._origin = Pool(("metadata",), tuple((origin,) for origin in ({"origin": "search"}, *shown)))

    def batch(self, rows: Rows, due_ns: NDArray[np.int64]) -> TopicBatch:
        """See `TopicRecords`."""
        page, what = rows["page"], rows["what"]
        name_pages(self._ring, page, due_ns, self._run_tag)
        value = rows["value"].astype(np.int64)
        stars = (rows["value"] * 2).astype(np.int64) - 2
        outcome = np.where(what == kinds.VIEW, value, 0)
        outcome = np.where(what == kinds.RATING, _MOST_DWELL_S + 1 + stars, outcome)
        user = self._user(rows)
        kind = what.astype(np.int64) - kinds.VIEW
        columns = (
            Ids("eventId", self._own_ids(rows, due_ns)),
            _timestamp(due_ns),
            user,
            Ids("sessionId", self._session_ids(rows)),
            Drawn(self._action, kind * self._item_count + rows["item"]),
            Drawn(self._outcome, outcome),
            Drawn(self._query, np.where(what == kinds.SEARCH, 1 + value, 0)),
            Linked("metadata", "requestId", self._origin, rows["rank"], self._page_ids(page)),
        )
        return TopicBatch("user-interactions", due_ns, _serials(rows), user, columns)


class ABTestEvents(TopicRecords):
    """ab-test-events: assignments, conversions, engagement and metrics, linked to their session."""

    def __init__(self, scenario: Scenario, people: People, ring: SessionSlots, run_tag: int) -> None:
        super().__init__(scenario, people, ring, run_tag)
        self._experiment = Pool(("experimentId",), tuple((e.experiment_id,) for e in scenario.experiments))
        self._event = Pool(
            ("variant", "eventType", "metricName"),
            tuple(
                (variant, kind, metric)
                for variant in VARIANTS
                for kind, metric in zip(AB_EVENT_TYPES, _AB_METRICS, strict=True)
            ),
        )
        self._nothing = Pool(("metadata",), (({},),))

    def batch(self, rows: Rows, due_ns: NDArray[np.int64]) -> TopicBatch:
        """See `TopicRecords`."""
        user, experiment = self._user(rows), rows["experiment"]
        kind = rows["what"].astype(np.int64) - kinds.ASSIGNMENT
        variant = self._scenario.variants[experiment, user.index]
        nothing = np.zeros(len(rows), dtype=np.int64)
        columns = (
            Ids("eventId", self._own_ids(rows, due_ns)),
            _timestamp(due_ns),
            Drawn(self._experiment, experiment),
            user,
            Drawn(self._event, variant * len(AB_EVENT_TYPES) + kind),
            Reals("metricValue", rows["value"], present=kind > 0),
            Linked("metadata", "sessionId", self._nothing, nothing, self._session_ids(rows)),
        )
        return TopicBatch("ab-test-events", due_ns, _serials(rows), user, columns)


class ModelMetrics(TopicRecords):
    """model-metrics: a lane's windows, in wall-clock time by when their first metric is due."""

    def __init__(self, scenario: Scenario, people: People, ring: SessionSlots, run_tag: int) -> None:
        super().__init__(scenario, people, ring, run_tag)
        self._type = Pool(("metricType",), tuple((name,) for name in METRIC_TYPES))
        self._tags = Pool(("tags",), tuple(({"shard": f"{lane:02d}"},) for lane in range(ids.MAX_LANES)))
        # lane -> (number of its open window, when that opened, when it closed), in Unix ms
        self._spans: dict[int, tuple[int, int, int]] = {}
        self._begun_ms: int | None = None

    def begin(self, at_ns: int) -> None:
        """Say when the first windows opened; later calls change nothing."""
        if self._begun_ms is None:
            self._begun_ms = at_ns // ids.NS_PER_MS

    def batch(self, rows: Rows, due_ns: NDArray[np.int64]) -> TopicBatch:
        """See `TopicRecords`."""
        timestamp = _timestamp(due_ns)
        opened, closed = self._windows(rows, timestamp.integers)
        seconds = np.maximum(closed - opened, 1) / 1000
        value = np.where(rows["rank"] == THROUGHPUT, rows["value"] / seconds, rows["value"])
        lane = rows["lane"].astype(np.int64)
        columns = (
            Ids("metricId", self._own_ids(rows, due_ns)),
            timestamp,
            Drawn(self._people.model, rows["page"]),
            Drawn(self._type, rows["rank"]),
            Reals("value", value.astype(np.float32)),
            Integers("windowStart", opened),
            Integers("windowEnd", closed),
            Drawn(self._tags, lane),
        )
        return TopicBatch(
            "model-metrics", due_ns, _serials(rows), Drawn(self._people.model_name, rows["page"]), columns
        )

    def _windows(self, rows: Rows, at_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        columns = rows["lane"].tolist(), rows["session"].tolist(), at_ms.tolist()
        spans = [self._span(*each) for each in zip(*columns, strict=True)]
        pairs = np.array(spans, dtype=np.int64).reshape(len(spans), 2)
        return pairs[:, 0], pairs[:, 1]

    def _span(self, lane: int, window: int, now_ms: int) -> tuple[int, int]:
        known, opened, closed = self._spans.get(lane, (-1, 0, self._begun_ms or now_ms))
        if window != known:
            opened, closed = closed, now_ms
            self._spans[lane] = (window, opened, closed)
        return opened, closed


WITH_PEOPLE: Final = (Requests, Responses, Interactions, ABTestEvents)
"""Those of the topics whose events have a person, in the order of `event_rows.TOPICS`."""


def _timestamp(due_ns: NDArray[np.int64]) -> Integers:
    return Integers("timestamp", ids.whole_ms(due_ns))


def _serials(rows: Rows) -> NDArray[np.int64]:
    return ids.serials(rows["lane"], rows["sequence"])


def name_pages(ring: SessionSlots, page: NDArray[Any], due_ns: NDArray[np.int64], run_tag: int) -> None:
    """Give an id to every page that has none yet, due at its first mention.

    That is its request, unless requests are not sent at all.
    """
    unnamed = np.flatnonzero(ring.page_due_ns[page] == 0)
    if not len(unnamed):
        return
    first = unnamed[ring.firsts(page[unnamed])]
    _name(ring, page[first], due_ns[first], run_tag)


def _name(ring: SessionSlots, page: NDArray[Any], due_ns: NDArray[np.int64], run_tag: int) -> None:
    ring.page_due_ns[page] = due_ns
    words = ids.words(due_ns, run_tag, ring.page_lane[page], ring.page_sequence[page])
    ring.page_text[page] = ids.texts(words)


def _filters(catalogue: Catalogue) -> list[dict[str, str]]:
    """A filter for each pair of a first and a second category."""
    names = catalogue.categories
    pairs = (f"{first},{second}" for first in names for second in names)
    return [{"field": "itemCategory", "operator": "in", "value": pair} for pair in pairs]
