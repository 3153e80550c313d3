"""Sessions: a person asks, a model answers, the person clicks, looks, searches, keeps, rates and buys.

`play` turns session numbers into everything that happens in those sessions, a whole block at once. It is a
pure function: what happens in session s of lane l depends on the seed, the lane, s and the mix of behaviours,
never on which other sessions are played with it.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lensload.world import draws
from lensload.world.audience import Audience
from lensload.world.behaviour import Behaviour
from lensload.world.catalogue import CUT_ITEMS, Catalogue
from lensload.world.experiments import NOT_ENROLLED, Experiment, running
from lensload.world.recommender import MODELS, QUALITY, SHORT_LIST, SHORT_LISTS, Answers, answer

# What a row of the timeline is. The interactions stand in the order of the schema's enum.
REQUEST, RESPONSE = 0, 1
VIEW, CLICK, RATING, PURCHASE, SEARCH, BOOKMARK = range(2, 8)
ASSIGNMENT, CONVERSION, ENGAGEMENT, METRIC = range(8, 12)
MODEL_METRIC = 12
# The topic that tells each kind of row: its place in `lensload.world.world.TOPICS`.
TOPIC_OF: Final = np.array([0, 1, *[2] * 6, *[3] * 4, 4], dtype=np.uint8)

ROW: Final = np.dtype(
    [
        ("time", "f8"),  # seconds of the world's own time
        ("what", "u1"),
        ("lane", "u2"),
        ("session", "u4"),  # slot of the session; a model metric's window number
        ("page", "u4"),  # slot of the page; a model metric's model
        ("item", "u4"),
        ("rank", "u1"),  # 1 to 10, 0 for what was searched; a model metric's type
        ("value", "f4"),  # duration, rating, metric value
        ("experiment", "u1"),
        ("sequence", "i8"),  # which of its lane's events of its topic
    ],
    align=True,
)
Rows = np.ndarray[tuple[int], np.dtype[np.void]]
# The same bytes without fields: NumPy moves these whole, where it copies a row with fields one by one.
_WHOLE: Final = np.dtype((np.void, ROW.itemsize))

SESSION_GAP_S: Final = 240.0  # mean time between the starts of a lane's sessions, in the world's own time
LONGEST_SESSION_S: Final = 6 * 3600.0
MOST_PAGES: Final = 4
MOST_LANES: Final = 1 << 12  # what an id has room for
SEARCHED: Final = CUT_ITEMS  # the column of the choice matrix that stands for a search instead of a rank
_LONGEST_DWELL_S: Final = 900.0
_DWELL_SIGMA: Final = 0.8
_PAGES_METRIC_RATE: Final = 0.25

# Which draw of a session's, page's or visit's key decides what.
_PERSON, _START, _KIND, _PAGES, _BUYS, _MEASURES = range(6)
_RECOMMENDER_DRAWS: Final = 10  # draws 0 to 9 of a page's key are the recommender's
_PAUSE, _FIRST_CHOICE = 10, 11  # draws 11 to 21 decide about rank 1 to 10 and the search


def taken(rows: Rows, which: NDArray[np.generic]) -> Rows:
    """`rows[which]`, ten times as fast."""
    return rows.view(_WHOLE)[which].view(ROW)


def joined(parts: list[Rows]) -> Rows:
    """The rows of all parts, one after another."""
    return np.concatenate([part.view(_WHOLE) for part in parts]).view(ROW)


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """Behaviours with their shares of the sessions, as tables to index by behaviour.

    Attributes:
        behaviours: the kinds of audience.
        cumulative: running sum of their shares of the sessions, ending at 1.
        choice: shape (behaviours, 11): probability that rank 1 to 10 is clicked, and of a search.
    """

    behaviours: tuple[Behaviour, ...]
    cumulative: NDArray[np.float64]
    more_pages: NDArray[np.float64]
    choice: NDArray[np.float64]
    bookmark: NDArray[np.float64]
    rating: NDArray[np.float64]
    purchase: NDArray[np.float64]
    dwell_median_s: NDArray[np.float64]

    @classmethod
    def of(cls, rates: dict[Behaviour, float]) -> Self:
        """The mix in which each behaviour makes its share of the *events*, given as events per second."""
        kinds = tuple(rates)
        sessions = np.array([rate / events_per_session(kind) for kind, rate in rates.items()])
        ranks = np.arange(1, CUT_ITEMS + 1)
        return cls(
            behaviours=kinds,
            cumulative=np.cumsum(sessions / sessions.sum()),
            more_pages=np.array(
                [min(1.0, (kind.pages_per_session - 1) / (MOST_PAGES - 1)) for kind in kinds]
            ),
            choice=np.array(
                [[*(kind.click_through * ranks**-kind.position_bias), kind.search_rate] for kind in kinds]
            ),
            bookmark=np.array([kind.bookmark_rate for kind in kinds]),
            rating=np.array([kind.rating_rate for kind in kinds]),
            purchase=np.array([kind.purchase_rate for kind in kinds]),
            dwell_median_s=np.array([kind.dwell_median_s for kind in kinds]),
        )


def events_per_session(kind: Behaviour) -> float:
    """About how many events a session of this kind makes; what shares of a mix are reckoned by.

    Failed answers and lifts are left out: they move it by a percent or two.
    """
    quality = sum(model.share * model.quality for model in MODELS)
    clicks = np.minimum(1, quality * kind.click_through * np.arange(1, CUT_ITEMS + 1) ** -kind.position_bias)
    short = clicks[:SHORT_LIST]
    visits = float((1 - SHORT_LISTS) * clicks.sum() + SHORT_LISTS * short.sum()) + kind.search_rate
    a_page = 2 + visits * (2 + kind.bookmark_rate + kind.rating_rate)
    idle = float(np.prod(1 - clicks)) * (1 - kind.search_rate)
    pages = min(kind.pages_per_session, float(MOST_PAGES))
    any_visit = 1 - idle**pages
    enrolments = sum(experiment.enrolled for experiment in running(0.0))
    told = enrolments * (_PAGES_METRIC_RATE + any_visit * (1 + kind.purchase_rate))
    return pages * a_page + any_visit * kind.purchase_rate + told


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What happened in a block of sessions.

    Attributes:
        rows: every event, in no order of time; `session` and `page` index the arrays below.
        person: the person of each session.
        lane: the lane of each session.
        key: the key of each session, from which its id is made.
        pages: the recommender's answer for each page.
    """

    rows: Rows
    person: NDArray[np.int64]
    lane: NDArray[np.int64]
    key: draws.Keys
    pages: Answers


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What sessions are played in: the people, the goods, the experiments and the seed."""

    seed: int
    audience: Audience
    catalogue: Catalogue
    experiments: tuple[Experiment, ...]
    variants: NDArray[np.int64]  # shape (experiments, people)
    dwell_factor: NDArray[np.float64]  # per person
    purchase_factor: NDArray[np.float64]  # per person

    @classmethod
    def of(
        cls, seed: int, audience: Audience, catalogue: Catalogue, experiments: tuple[Experiment, ...]
    ) -> Self:
        """The setting, with everyone in a variant and each variant's lift worked out per person."""
        variants = np.stack([e.variants_of(seed, len(audience.user_ids)) for e in experiments])
        treated = (variants == 1).astype(np.float64)
        dwell, purchase = (
            np.prod(1 + treated * np.array(lifts)[:, None], axis=0)
            for lifts in (
                [e.engagement_lift for e in experiments],
                [e.conversion_lift for e in experiments],
            )
        )
        return cls(seed, audience, catalogue, experiments, variants, dwell, purchase)


def play(
    setting: Setting,
    mix: Mix,
    lane: NDArray[np.int64],
    number: NDArray[np.int64],
    assigned: NDArray[np.bool_],
) -> Block:
    """Play session `number[i]` of `lane[i]`; sessions of a lane stand in rising order.

    `assigned`, shape (experiments, people), says whose assignment has been told already; those told now are
    marked in it.
    """
    key = draws.keys(draws.keys(draws.root(setting.seed, "sessions"), lane), number)
    person = setting.audience.visitor(lane, draws.uniform(key, _PERSON))
    start = (number + draws.uniform(key, _START)) * SESSION_GAP_S
    kind = np.searchsorted(mix.cumulative[:-1], draws.uniform(key, _KIND), side="right")
    chance = draws.uniform(key, _PAGES)
    # 1 + a binomial number of further pages, by inverting its distribution: at most MOST_PAGES.
    pages_of = 1 + _binomial_3(mix.more_pages[kind], chance)
    owner = np.repeat(np.arange(len(key)), pages_of)
    first_page = np.cumsum(pages_of) - pages_of
    page_key = draws.keys(key[owner], np.arange(len(owner)) - first_page[owner])
    pages = answer(page_key, person[owner], setting.audience, setting.catalogue)
    visits = _visits(setting, mix, kind, person, owner, page_key, pages)
    times = _times(start, owner, first_page, page_key, pages, visits)
    rows = _Rows(lane, owner)
    _write_pages(rows, times, owner)
    _write_visits(rows, setting, mix, kind, times, visits)
    _write_outcomes(rows, setting, mix, kind, person, key, pages_of, start, times, visits, assigned)
    return Block(rows.done(start), person, lane, key, pages)


def _binomial_3(p: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    q = 1 - p
    none, one, two = q**3, 3 * p * q**2, 3 * p**2 * q
    return (chance >= none).astype(np.int64) + (chance >= none + one) + (chance >= none + one + two)


@dataclass(frozen=True, slots=True, eq=False)
class _Visits:
    """Items that were opened, by a click or a search, in order of session, page and rank."""

    page: NDArray[np.int64]
    session: NDArray[np.int64]
    column: NDArray[np.int64]  # rank - 1, or SEARCHED
    key: draws.Keys
    item: NDArray[np.int64]
    query: NDArray[np.int64]  # meant only where searched
    dwell_s: NDArray[np.float64]
    liked: NDArray[np.bool_]  # whether the item is of the person's first taste


def _visits(
    setting: Setting,
    mix: Mix,
    kind: NDArray[np.int64],
    person: NDArray[np.int64],
    owner: NDArray[np.int64],
    page_key: draws.Keys,
    pages: Answers,
) -> _Visits:
    # One column a rank and one for the search: what comes out of nonzero() is in the order it happens.
    wanted = mix.choice[kind[owner]]
    wanted[:, :SEARCHED] *= QUALITY[pages.model][:, None]
    wanted[:, :SEARCHED][np.arange(CUT_ITEMS) >= pages.shown[:, None]] = 0
    chance = draws.uniforms(page_key, _FIRST_CHOICE, wanted.shape[1])
    page, column = np.divmod(np.flatnonzero((chance < wanted).ravel()), wanted.shape[1])
    session = owner[page]
    key = draws.keys(page_key[page], column)
    who = person[session]
    catalogue = setting.catalogue
    item = pages.items[page, np.minimum(column, CUT_ITEMS - 1)]
    query = np.zeros(len(item), dtype=np.int64)
    searched = np.flatnonzero(column == SEARCHED)
    sought, _ = setting.audience.interest(who[searched], draws.uniform(key[searched], 5))
    item[searched] = catalogue.demanded(sought, draws.uniform(key[searched], 6))
    query[searched] = catalogue.query_for(item[searched], draws.uniform(key[searched], 7))
    median = mix.dwell_median_s[kind[session]] * setting.dwell_factor[who]
    dwell = np.clip(median * np.exp(_DWELL_SIGMA * draws.normal(key, 0)), 1, _LONGEST_DWELL_S)
    liked = catalogue.category[item] == setting.audience.first_taste[who]
    return _Visits(page, session, column, key, item, query, np.rint(dwell), liked)


@dataclass(frozen=True, slots=True, eq=False)
class _Times:
    """When things happen, in seconds of the world's time."""

    request: NDArray[np.float64]  # per page
    response: NDArray[np.float64]
    opened: NDArray[np.float64]  # per visit
    closed: NDArray[np.float64]
    over: NDArray[np.float64]  # per session: after all of the above


def _times(
    start: NDArray[np.float64],
    owner: NDArray[np.int64],
    first_page: NDArray[np.int64],
    page_key: draws.Keys,
    pages: Answers,
    visits: _Visits,
) -> _Times:
    thought_s = 1 + 8 * draws.uniform(visits.key, 1)  # before opening
    spent_s = thought_s + visits.dwell_s + 5  # 5 s to bookmark or rate
    answered_s = pages.processing_ms / 1000
    pause_s = 2 + 20 * draws.uniform(page_key, _PAUSE)
    page_s = answered_s + np.bincount(visits.page, weights=spent_s, minlength=len(owner)) + pause_s
    # Running sums within a session (of its pages) and within a page (of its visits).
    page_end = np.cumsum(page_s)
    before_session = (page_end - page_s)[first_page]
    request = start[owner] + 1 + page_end - page_s - before_session[owner]
    response = request + answered_s
    visit_end = np.cumsum(spent_s)
    visits_before_page = np.concatenate(([0.0], visit_end))[
        np.searchsorted(visits.page, np.arange(len(owner)))
    ]
    begun = response[visits.page] + visit_end - spent_s - visits_before_page[visits.page]
    last = np.append(first_page[1:], len(owner)) - 1
    return _Times(
        request=request,
        response=response,
        opened=begun + thought_s,
        closed=begun + thought_s + visits.dwell_s,
        over=(request + page_s)[last],
    )


class _Rows:
    """Rows being gathered, kind by kind, in causal order (equal times keep it)."""

    def __init__(self, lane: NDArray[np.int64], owner: NDArray[np.int64]) -> None:
        self._lane = lane
        self._owner = owner
        self._parts: list[tuple[int, dict[str, NDArray[np.generic] | int]]] = []

    def add(self, count: int, **columns: "NDArray[np.generic] | int") -> None:
        if count:
            self._parts.append((count, columns))

    def done(self, start: NDArray[np.float64]) -> Rows:
        rows = np.zeros(sum(count for count, _ in self._parts), dtype=ROW)
        at = 0
        for count, columns in self._parts:
            part = rows[at : at + count]
            for name, values in columns.items():
                part[name] = values
            at += count
        session = rows["session"]
        rows["lane"] = self._lane[session]
        np.minimum(rows["time"], start[session] + LONGEST_SESSION_S, out=rows["time"])
        return rows


def _write_pages(rows: _Rows, times: _Times, owner: NDArray[np.int64]) -> None:
    page = np.arange(len(owner))
    rows.add(len(page), time=times.request, what=REQUEST, session=owner, page=page)
    rows.add(len(page), time=times.response, what=RESPONSE, session=owner, page=page)


def _write_visits(
    rows: _Rows, setting: Setting, mix: Mix, kind: NDArray[np.int64], times: _Times, visits: _Visits
) -> None:
    searched = visits.column == SEARCHED
    rank = np.where(searched, 0, visits.column + 1)
    opening = np.where(searched, SEARCH, CLICK)
    story = {"session": visits.session, "page": visits.page, "item": visits.item, "rank": rank}
    # A search's value is its query, exact as a float32 below 2 ** 24.
    rows.add(len(rank), time=times.opened, what=opening, **story, value=visits.query)
    rows.add(len(rank), time=times.closed, what=VIEW, **story, value=visits.dwell_s)
    of_kind = kind[visits.session]
    kept = np.flatnonzero(draws.uniform(visits.key, 2) < mix.bookmark[of_kind])
    chosen = {name: values[kept] for name, values in story.items()}
    rows.add(len(kept), time=times.closed[kept] + 1, what=BOOKMARK, **chosen)
    rated = np.flatnonzero(draws.uniform(visits.key, 3) < mix.rating[of_kind])
    chosen = {name: values[rated] for name, values in story.items()}
    stars = 3.2 + visits.liked[rated] + 0.8 * draws.normal(visits.key[rated], 4)
    stars = np.clip(np.rint(2 * stars) / 2, 1, 5)
    rows.add(len(rated), time=times.closed[rated] + 3, what=RATING, **chosen, value=stars)


def _write_outcomes(
    rows: _Rows,
    setting: Setting,
    mix: Mix,
    kind: NDArray[np.int64],
    person: NDArray[np.int64],
    key: draws.Keys,
    pages_of: NDArray[np.int64],
    start: NDArray[np.float64],
    times: _Times,
    visits: _Visits,
    assigned: NDArray[np.bool_],
) -> None:
    sessions = len(person)
    last_visit = np.full(sessions, -1)
    last_visit[visits.session] = np.arange(len(visits.session))  # the last one written stays
    rate = np.minimum(1, mix.purchase[kind] * setting.purchase_factor[person])
    buys = (last_visit >= 0) & (draws.uniform(key, _BUYS) < rate)
    buyer = np.flatnonzero(buys)
    final = last_visit[buyer]
    rank = np.where(visits.column[final] == SEARCHED, 0, visits.column[final] + 1)
    rows.add(
        len(buyer),
        time=times.over[buyer],
        what=PURCHASE,
        session=buyer,
        page=visits.page[final],
        item=visits.item[final],
        rank=rank,
    )
    dwell = np.bincount(visits.session, weights=visits.dwell_s, minlength=sessions)
    measured = draws.uniform(key, _MEASURES) < _PAGES_METRIC_RATE
    for index in range(len(setting.experiments)):
        enrolled = setting.variants[index][person] != NOT_ENROLLED
        new = _first_seen(assigned[index], person, enrolled)
        rows.add(len(new), time=start[new], what=ASSIGNMENT, session=new, experiment=index)
        bought = np.flatnonzero(buys & enrolled)
        price = setting.catalogue.price[visits.item[last_visit[bought]]]
        rows.add(
            len(bought),
            time=times.over[bought] + 1,
            what=CONVERSION,
            session=bought,
            experiment=index,
            value=price,
        )
        engaged = np.flatnonzero((last_visit >= 0) & enrolled)
        rows.add(
            len(engaged),
            time=times.over[engaged] + 2,
            what=ENGAGEMENT,
            session=engaged,
            experiment=index,
            value=dwell[engaged],
        )
        counted = np.flatnonzero(measured & enrolled)
        rows.add(
            len(counted),
            time=times.over[counted] + 2,
            what=METRIC,
            session=counted,
            experiment=index,
            value=pages_of[counted],
        )


def _first_seen(
    assigned: NDArray[np.bool_], person: NDArray[np.int64], enrolled: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The sessions in which an enrolled person is seen for the first time; marks them as assigned."""
    candidates = np.flatnonzero(enrolled & ~assigned[person])
    if not len(candidates):
        return candidates
    people, first = np.unique(person[candidates], return_index=True)
    assigned[people] = True
    return candidates[first]
