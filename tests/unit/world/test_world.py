"""The promises of the world: the same for any division of work, a story that holds, and truths as planted."""

import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload import ids
from lensload.errors import UsageError
from lensload.world import catalogue, sessions
from lensload.world.audience import DEVICES
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import Mix, events_per_session
from lensload.world.event_rows import CLICK, PURCHASE, SEARCH, VIEW, Rows
from lensload.world.experiments import VARIANTS
from lensload.world.options import WorldOptions
from lensload.world.recommender import MODELS
from lensload.world.rng import Wheel, keys, root, uniform
from lensload.world.sessions import Block
from lensload.world.timeline import Timeline
from lensload.world.world import TOPICS, World, made
from tests.support.worlds import SMALL, evenly, records

Record = dict[str, Any]
MS = 1_000_000
# How far a count may lie from its expectation, in standard deviations: with fixed seeds the tests are exact
# repetitions, and five leaves one chance in two million of having picked an unlucky seed.
SIGMAS = 5


@cache
def _story() -> dict[str, list[Record]]:
    """40,000 events, one a millisecond, so that timestamps alone tell the order."""
    return records(40_000, gap_ns=MS)


@cache
def _block() -> Block:
    """19,200 whole sessions of an ordinary audience, about 175,000 events."""
    scenario = made(WorldOptions(seed=3))
    lane, number = np.repeat(np.arange(64), 300), np.tile(np.arange(300), 64)
    return _played(sessions.play(scenario, Mix.of({Behaviour(): 1.0}), lane, number, None))


def _window(timeline: Timeline) -> Rows:
    return _played(timeline.window())


def _played(steps: Generator[None, None, Any]) -> Any:
    """What a generator returns after all its steps."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


# The same for any division of work


def _by_lane(worlds: list[World], count: int) -> dict[tuple[int, str], list[Record]]:
    """Each lane's events of each topic in the order of their sequence, without what depends on time."""
    found: dict[tuple[int, str], dict[int, Record]] = defaultdict(dict)
    for world in worlds:
        for batch in world.events_at(evenly(count)):
            rows = list(batch.records())
            read = _ids(next(iter(record.values())) for record in rows)
            places = zip(rows, read.lane.tolist(), read.sequence.tolist(), strict=True)
            for record, lane, sequence in places:
                name = next(iter(record))
                timeless = {k: v for k, v in record.items() if k not in {name, "timestamp"}}
                if record.get("metricType") == "throughput":
                    del timeless["value"]
                for key in ("windowStart", "windowEnd"):
                    timeless.pop(key, None)
                if "requestId" in (timeless.get("metadata") or {}):
                    timeless["metadata"] = {**timeless["metadata"], "requestId": None}
                found[lane, batch.topic][sequence] = timeless
    return {key: [them[n] for n in range(len(them))] for key, them in found.items() if _unbroken(them)}


def _ids(texts: Iterable[str]) -> ids.Readings:
    return ids.read(np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(-1, 36))


def _unbroken(numbered: dict[int, Record]) -> bool:
    return set(numbered) == set(range(len(numbered)))


@cache
def _alone() -> dict[tuple[int, str], list[Record]]:
    return _by_lane([World(SMALL, tuple(range(64)))], 3000)


@settings(max_examples=4)
@given(workers=st.integers(2, 16))
def test_any_number_of_workers_tells_the_same(workers: int):
    """Lane by lane and topic by topic, sixteen workers tell what one tells, in the same order."""
    alone = _alone()
    together = _by_lane([World(SMALL, tuple(range(64))[n::workers]) for n in range(workers)], 3000 // workers)
    compared = 0
    for key in alone.keys() & together.keys():
        common = min(len(alone[key]), len(together[key]))
        assert alone[key][:common] == together[key][:common]
        compared += common
    assert compared > 1000


def test_the_same_seed_tells_the_same():
    """Two worlds of one seed tell the same bytes at the same times; another seed tells others."""
    assert records(2000) == records(2000)
    other = made(WorldOptions(seed=8, audience_size=640, catalogue_size=240))
    assert records(500) != records(500, scenario=other)


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(0, 400), min_size=1, max_size=12))
def test_any_size_of_bite_takes_the_same(cuts: list[int]):
    """Taking events in bites of any sizes gives what taking them at once gives (at whole milliseconds)."""
    whole, pieces = World(SMALL, (0, 1, 2)), World(SMALL, (0, 1, 2))
    due = evenly(sum(cuts), MS)
    taken: dict[str, list[Record]] = defaultdict(list)
    at = 0
    for count in cuts:
        for batch in pieces.events_at(due[at : at + count]):
            taken[batch.topic] += batch.records()
        at += count
    assert taken == {batch.topic: list(batch.records()) for batch in whole.events_at(due)}


def test_making_ahead_changes_nothing():
    """Events that are made ahead, as many as are wanted next or as are worth while, are the ones that would come."""
    whole, ahead = World(SMALL, (0, 1, 2)), World(SMALL, (0, 1, 2))
    due = evenly(9_000, MS)
    taken: dict[str, list[Record]] = defaultdict(list)
    for at in range(0, len(due), 3_000):
        while ahead.advance(3_000):
            pass
        for batch in ahead.events_at(due[at : at + 3_000]):
            taken[batch.topic] += batch.records()
        while ahead.advance():
            pass
    assert taken == {batch.topic: list(batch.records()) for batch in whole.events_at(due)}


def test_no_hash_seed_decides():
    """People and goods are the same in every process: nothing depends on the order of a set."""
    digests = {
        subprocess.check_output(
            [sys.executable, "-c", _DIGEST], env={**os.environ, "PYTHONHASHSEED": str(number)}, timeout=60
        )
        for number in (1, 2)
    }
    assert len(digests) == 1


_DIGEST = """
import hashlib, json
from lensload.world.options import WorldOptions
from lensload.world.world import made
scenario = made(WorldOptions(seed=4, audience_size=640, catalogue_size=240))
goods, people = scenario.catalogue, scenario.audience
print(hashlib.sha256(json.dumps([goods.titles, goods.queries, people.contexts]).encode()).hexdigest())
"""


def test_each_sequence_is_unbroken():
    """In every lane and topic, the ids count 0, 1, 2, …: what an observer's ledger lives by."""
    world = World(SMALL, tuple(range(10)))
    seen: dict[tuple[int, str], list[int]] = defaultdict(list)
    for batch in world.events_at(evenly(20_000)):
        read = _ids(next(iter(record.values())) for record in batch.records())
        for lane, sequence in zip(read.lane.tolist(), read.sequence.tolist(), strict=True):
            seen[lane, batch.topic].append(sequence)
    for (_, topic), sequences in seen.items():
        if topic == "recommendation-responses":  # a quick answer may overtake, and the last are still to come
            assert len(set(sequences)) == len(sequences)
        else:
            assert sequences == list(range(len(sequences)))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 3_000_000), min_size=2, max_size=200))
def test_due_times_never_go_back(gaps: list[int]):
    """In every topic events are in the order they are due, and `timestamp` is that time's millisecond."""
    due = np.cumsum(np.array(gaps, dtype=np.int64)) + 10**18
    taken = tuple(World(SMALL, (3, 4)).events_at(due))
    assert sum(map(len, taken)) == len(due)
    for batch in taken:
        assert (np.diff(batch.due_ns) >= 0).all()
        assert [r["timestamp"] for r in batch.records()] == (batch.due_ns // MS).tolist()


def test_topics_left_out_are_not_told():
    """With fewer topics the others' events are left out, and those that are told are the same and as many."""
    chosen = ("user-interactions", "ab-test-events")
    story = records(3000, topics=chosen)
    assert set(story) == set(chosen)
    assert sum(map(len, story.values())) == 3000
    by_request = defaultdict(set)
    for record in story["user-interactions"]:
        by_request[record["metadata"]["requestId"]].add(record["sessionId"])
    assert all(len(them) == 1 for them in by_request.values())


# A story that holds


def test_every_answer_answers_its_request():
    """Each response has one earlier request of its id, person and model; its list is as long as it says."""
    story = _story()
    requests = {r["requestId"]: r for r in story["recommendation-requests"]}
    assert len(requests) == len(story["recommendation-requests"])
    answered = Counter(r["requestId"] for r in story["recommendation-responses"])
    assert max(answered.values()) == 1
    for response in story["recommendation-responses"]:
        request = requests[response["requestId"]]
        assert request["timestamp"] <= response["timestamp"]
        assert (request["userId"], request["modelName"]) == (response["userId"], response["modelName"])
        _check_list(request, response)


def _check_list(request: Record, response: Record) -> None:
    shown = response["recommendations"]
    assert [item["rank"] for item in shown] == list(range(1, len(shown) + 1))
    scores = [item["score"] for item in shown]
    assert scores == sorted(scores, reverse=True)
    assert len({item["itemId"] for item in shown}) == len(shown)
    match response["status"]:
        case "success":
            assert len(shown) == request["numRecommendations"]
        case "partial":
            assert 0 < len(shown) < request["numRecommendations"]
        case _:
            assert not shown
    assert (response["errorMessage"] is not None) == (response["status"] == "error")


def test_a_themed_list_keeps_to_its_theme():
    """Where a request filters by categories, every item of its answer is of one of them."""
    story = _story()
    category = dict(zip(SMALL.catalogue.item_ids, SMALL.catalogue.category.tolist(), strict=True))
    names = SMALL.catalogue.categories
    answers = {r["requestId"]: r for r in story["recommendation-responses"]}
    themed = [r for r in story["recommendation-requests"] if r["filters"] and r["requestId"] in answers]
    assert len(themed) > 100
    for request in themed:
        allowed = request["filters"][0]["value"].split(",")
        shown = answers[request["requestId"]]["recommendations"]
        assert all(names[category[item["itemId"]]] in allowed for item in shown)


def test_interactions_point_at_what_was_recommended_or_searched():
    """An item is clicked where the answer ranked it, or was found by a search; then viewed; then kept or bought."""
    story = _story()
    answers = {r["requestId"]: r for r in story["recommendation-responses"]}
    opened: set[tuple[str, str, str]] = set()
    viewed: set[tuple[str, str, str]] = set()
    for event in story["user-interactions"]:
        link, kind = event["metadata"], event["interactionType"]
        answer = answers[link["requestId"]]
        assert answer["userId"] == event["userId"]
        assert answer["timestamp"] < event["timestamp"]
        visit = (event["sessionId"], link["requestId"], event["itemId"])
        if kind == "click":
            shown = answer["recommendations"][int(link["position"]) - 1]
            assert shown["itemId"] == event["itemId"]
            opened.add(visit)
        elif kind == "search":
            assert event["searchQuery"]
            opened.add(visit)
        elif kind == "view":
            assert visit in opened
            viewed.add(visit)
        else:
            assert visit in viewed
        assert (event["duration"] is not None) == (kind == "view")
        assert (event["rating"] is not None) == (kind == "rating")
        assert (event["searchQuery"] is not None) == (kind == "search")
    assert len(viewed) > 1000


def test_a_session_is_one_persons():
    """Whoever follows a sessionId meets one person, in interactions and in experiments alike."""
    story = _story()
    person: dict[str, set[str]] = defaultdict(set)
    for event in story["user-interactions"]:
        person[event["sessionId"]].add(event["userId"])
    for event in story["ab-test-events"]:
        person[event["metadata"]["sessionId"]].add(event["userId"])
    assert len(person) > 1000
    assert all(len(people) == 1 for people in person.values())


def test_two_runs_of_a_seed_share_no_session_id_and_one_run_has_the_same_again():
    """Runs that write to one topic do not continue each other's visits; what happens in them is the same all the same."""

    def visits(run_tag: int) -> list[tuple[str, str]]:
        world = World(SMALL, (3, 4), run_tag=run_tag, topics=("user-interactions",))
        (batch,) = world.events_at(evenly(2_000))
        return [(record["sessionId"], record["itemId"]) for record in batch.records()]

    first, other, again = visits(7), visits(0), visits(7)
    assert first == again
    assert [item for _, item in first] == [item for _, item in other]
    assert not {session for session, _ in first} & {session for session, _ in other}


def test_everyone_is_assigned_once_and_stays():
    """A person's assignment comes first and once; every later event of the experiment has the same variant."""
    variant: dict[tuple[str, str], str] = {}
    for event in _story()["ab-test-events"]:
        who = (event["experimentId"], event["userId"])
        if event["eventType"] == "assignment":
            assert who not in variant
            variant[who] = event["variant"]
        assert variant[who] == event["variant"]
    assert set(variant.values()) == set(VARIANTS)


def test_conversions_are_purchases():
    """Every conversion's session has a purchase before it, by the same person."""
    story = _story()
    bought = {
        e["sessionId"]: e["timestamp"]
        for e in story["user-interactions"]
        if e["interactionType"] == "purchase"
    }
    conversions = [e for e in story["ab-test-events"] if e["eventType"] == "conversion"]
    assert len(conversions) > 50
    for event in conversions:
        assert bought[event["metadata"]["sessionId"]] < event["timestamp"]
        assert event["metricValue"] > 0


def test_model_metrics_are_what_the_window_held():
    """Precision, error rate, latency and throughput are recomputed exactly from the events of their window."""
    story = _story()
    requests = [r["requestId"] for r in story["recommendation-requests"]]
    lane_of = dict(zip(requests, _ids(requests).lane.tolist(), strict=True))
    model_of = {r["requestId"]: r["modelName"] for r in story["recommendation-responses"]}
    answers, clicked = defaultdict[Any, list[Record]](list), defaultdict[Any, list[int]](list)
    for r in story["recommendation-responses"]:
        answers[lane_of[r["requestId"]], r["modelName"]].append(r)
    for e in story["user-interactions"]:
        if e["interactionType"] == "click":
            request = e["metadata"]["requestId"]
            clicked[lane_of[request], model_of[request]].append(e["timestamp"])
    checked = 0
    for metric in story["model-metrics"]:
        whose = int(metric["tags"]["shard"]), metric["modelName"]
        start, end = metric["windowStart"], metric["windowEnd"]
        # The first window opens with the first event, which belongs to it.
        within = [r for r in answers[whose] if start <= r["timestamp"] < end]
        shown = sum(len(r["recommendations"]) for r in within)
        clicks = sum(start <= at < end for at in clicked[whose])
        expected = {
            "precision": clicks / shown,
            "error_rate": sum(r["status"] == "error" for r in within) / len(within),
            "latency": sum(r["processingTime"] for r in within) / len(within),
            "throughput": len(within) / ((end - start) / 1000),
        }.get(metric["metricType"])
        if expected is not None:
            assert metric["value"] == pytest.approx(expected, rel=1e-6)
            checked += 1
        if checked >= 60:
            break
    assert checked >= 60


def test_titles_categories_and_queries_belong_together():
    """Every query that finds an item is made of words of its title."""
    goods = catalogue.stocked(1, 300, 1.0)
    for item, title in enumerate(goods.titles):
        for query in goods.queries[3 * item : 3 * item + 3]:
            assert set(query.lower().split()) <= set(title.lower().replace(",", "").split())


# Truths as planted


def _agrees(count: int, trials: int, probability: float) -> bool:
    """Whether a binomial count lies within SIGMAS standard deviations of its mean."""
    deviation = math.sqrt(trials * probability * (1 - probability))
    return abs(count - trials * probability) <= SIGMAS * deviation + 1e-9


@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=20))
@settings(max_examples=20)
def test_a_wheel_turns_by_its_weights(weights: list[float]):
    """Walker's wheel gives each choice its share of evenly spread chances, to within one in their number."""
    chances = (np.arange(20_000) + 0.5) / 20_000
    counts = np.bincount(Wheel([np.array(weights)]).spin(0, chances), minlength=len(weights))
    shares = np.array(weights) / sum(weights)
    assert np.abs(counts - 20_000 * shares).max() <= 2 * len(weights)


def test_draws_are_uniform_and_independent():
    """Draws spread evenly over the unit interval, and neighbours in key or draw number are uncorrelated."""
    of = keys(root(1, "test"), np.arange(100_000))
    a, b = uniform(of, 0), uniform(of, 1)
    for sample in (a, b):
        counts = np.bincount((sample * 100).astype(int), minlength=100)
        assert all(_agrees(count, 100_000, 0.01) for count in counts.tolist())
    bound = SIGMAS / math.sqrt(100_000)
    assert abs(np.corrcoef(a, b)[0, 1]) < bound
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < bound


@pytest.mark.parametrize("exponent", [0.0, 1.0, 1.4])
def test_demand_follows_zipfs_law(exponent: float):
    """What is searched for falls with popularity rank by the exponent given, within each category."""
    goods = catalogue.stocked(5, 600, exponent)
    assert np.sort(goods.weight)[::-1] == pytest.approx(_zipf(600, exponent))
    category = np.full(60_000, 3)
    chance = uniform(keys(root(2, "demand"), np.arange(60_000)), 0)
    counts = np.bincount(goods.demanded(category, chance), minlength=600)
    for item in np.flatnonzero(goods.category == 3).tolist():
        share = goods.weight[item] / goods.category_weight[3]
        assert _agrees(int(counts[item]), 60_000, float(share))
    assert counts[goods.category != 3].sum() == 0


def _zipf(size: int, exponent: float) -> Any:
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return weights / weights.sum()


def test_click_through_follows_position_and_model():
    """By model and rank, clicks per item shown are click_through x quality x rank ** -position_bias."""
    kind, block = Behaviour(), _block()
    clicked = block.rows[block.rows["what"] == CLICK]
    for number, model in enumerate(MODELS):
        shown = block.pages.shown[block.pages.model == number]
        of_model = clicked[block.pages.model[clicked["page"]] == number]
        for rank in (1, 2, 5, 10):
            trials = int((shown >= rank).sum())
            count = int((of_model["rank"] == rank).sum())
            planted = kind.click_through * model.quality * rank**-kind.position_bias
            assert _agrees(count, trials, planted), (model.name, rank, count / trials, planted)


def test_answers_fail_as_often_as_planted():
    """Each model's shares of errors and of partial answers are those of its description."""
    pages = _block().pages
    for number, model in enumerate(MODELS):
        status = pages.status[pages.model == number]
        assert _agrees(int((status == 2).sum()), len(status), model.error_rate)
        assert _agrees(int((status == 1).sum()), len(status), model.partial_rate)


def test_effects_that_nobody_asked_for_change_nothing():
    """The default effect is the world as it was; another effect of one experiment leaves the other alone."""
    sizes: dict[str, Any] = {"seed": 7, "audience_size": 640, "catalogue_size": 240}
    asked = made(WorldOptions(**sizes, experiment=(("ranking-v2", "default"), ("large-cards", "default"))))
    assert records(2000, scenario=asked) == records(2000)
    other = made(WorldOptions(**sizes, experiment=(("ranking-v2", "simpson"),)))
    assert (other.variants[1] == SMALL.variants[1]).all()
    assert (other.dwell_factor == SMALL.dwell_factor).all()
    assert (other.variants[0] != SMALL.variants[0]).any()


@pytest.mark.parametrize(("effect", "factor"), [("none", 1.0), ("small", 1.02), ("default", 1.1)])
def test_an_effect_has_its_size(effect: str, factor: float):
    """The treatment of ranking-v2 multiplies purchases by 1, by 1.02 or by 1.1, and the control by nothing."""
    scenario = made(
        WorldOptions(seed=7, audience_size=640, catalogue_size=240, experiment=(("ranking-v2", effect),))
    )
    treated = scenario.variants[0] == VARIANTS.index("treatment")
    assert scenario.purchase_factor[treated] == pytest.approx(factor)
    assert scenario.purchase_factor[~treated] == pytest.approx(1.0)


def test_simpsons_treatment_harms_every_segment_and_looks_well_over_all():
    """In each segment the treated buy 15 % less; read together, they buy more than the control."""
    scenario = made(
        WorldOptions(
            seed=7, audience_size=20_000, catalogue_size=240, experiment=(("ranking-v2", "simpson"),)
        )
    )
    factor, device = scenario.purchase_factor, scenario.audience.device
    control, treated = (scenario.variants[0] == number for number in (0, 1))
    for segment in range(len(DEVICES)):
        within = device == segment
        ratio = factor[treated & within].mean() / factor[control & within].mean()
        assert ratio == pytest.approx(0.85)
    assert factor[treated].mean() > 1.2 * factor[control].mean()


@pytest.mark.parametrize("lift", [0.0, 0.5, -0.5])
def test_conversions_follow_the_lift(lift: float):
    """Of sessions in which something was viewed, purchase_rate end in a purchase; treated ones 1 + lift times."""
    kind = Behaviour(purchase_rate=0.2)
    scenario = made(WorldOptions(seed=11, audience_size=2000, catalogue_size=240, lift=lift))
    lane, number = np.repeat(np.arange(64), 500), np.tile(np.arange(500), 64)
    block = _played(
        sessions.play(
            scenario, Mix.of({kind: 1.0}), lane, number, np.zeros(scenario.variants.shape, dtype=np.bool_)
        )
    )
    viewed = np.unique(block.rows["session"][block.rows["what"] == VIEW])
    bought = np.unique(block.rows["session"][block.rows["what"] == PURCHASE])
    variant = scenario.variants[0][block.person]
    for which, planted in ((0, 0.2), (1, 0.2 * (1 + lift))):
        trials = int((variant[viewed] == which).sum())
        assert trials > 5000
        assert _agrees(int((variant[bought] == which).sum()), trials, planted)


def test_engagement_follows_the_lift():
    """The treatment of the second experiment looks 15 % longer: the means of log dwell differ by log 1.15."""
    scenario = made(WorldOptions(seed=11, audience_size=2000, catalogue_size=240))
    lane, number = np.repeat(np.arange(64), 500), np.tile(np.arange(500), 64)
    block = _played(
        sessions.play(
            scenario,
            Mix.of({Behaviour(): 1.0}),
            lane,
            number,
            np.zeros(scenario.variants.shape, dtype=np.bool_),
        )
    )
    views = block.rows[block.rows["what"] == VIEW]
    log_dwell = np.log(views["value"])
    variant = scenario.variants[1][block.person[views["session"]]]
    treated, control = log_dwell[variant == 1], log_dwell[variant == 0]
    error = math.sqrt(treated.var() / len(treated) + control.var() / len(control))
    # Whole seconds and the cut at 900 s bend the mean of the logarithm by less than 0.01.
    assert abs(treated.mean() - control.mean() - math.log(1.15)) < SIGMAS * error + 0.01


def test_a_mix_makes_shares_of_the_events():
    """Two kinds given equal rates make about equally many events, however long their sessions are."""
    short = Behaviour(name="short", pages_per_session=1, click_through=0.05, search_rate=0)
    long = Behaviour(name="long", pages_per_session=4, click_through=0.6, search_rate=0.5)
    assert events_per_session(long) > 4 * events_per_session(short)
    timeline = Timeline(SMALL, Mix.of({short: 1.0, long: 1.0}), np.arange(64))
    rows = np.concatenate([_window(timeline) for _ in range(20)])
    searches = int((rows["what"] == SEARCH).sum())
    # Only the long kind searches: its events are its searches times events per search.
    a_session = events_per_session(long)
    searches_a_session = long.search_rate * long.pages_per_session
    assert searches / searches_a_session * a_session == pytest.approx(len(rows) / 2, rel=0.1)


def test_memory_does_not_grow():
    """After many windows the timeline holds back no more than it did after a few."""
    timeline = Timeline(SMALL, Mix.of({Behaviour(): 1.0}), np.arange(64))
    held: list[int] = []
    for number in range(120):
        _window(timeline)
        if number in (20, 119):
            held.append(timeline.held_back)
    assert held[1] < 2 * held[0]


def test_impossible_behaviour_is_refused():
    """A probability above 1, or an unknown parameter, is refused by name."""
    with pytest.raises(UsageError, match="click_through"):
        Behaviour(click_through=1.2)
    with pytest.raises(UsageError, match="clicks"):
        Behaviour.from_dict({"clicks": 1})


def test_all_topics_are_told():
    """An ordinary audience gives every topic a share."""
    assert set(_story()) == set(TOPICS)
