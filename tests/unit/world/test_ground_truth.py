"""What is said to be planted is what happens: counts over whole sessions agree with the stated truth, for any seed."""

import math
from collections.abc import Generator
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensload.world import sessions
from lensload.world.audience import DEVICES
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import Mix
from lensload.world.event_rows import (
    BOOKMARK,
    CLICK,
    CONVERSION,
    ENGAGEMENT,
    MODEL_METRIC,
    PURCHASE,
    RATING,
    SEARCH,
    VIEW,
)
from lensload.world.experiments import VARIANTS
from lensload.world.ground_truth import Truth
from lensload.world.model_metrics import METRIC_TYPES, THROUGHPUT
from lensload.world.options import WorldOptions
from lensload.world.recommender import MODELS, STATUSES
from lensload.world.scenario import Scenario
from lensload.world.sessions import Block
from lensload.world.timeline import Timeline
from lensload.world.world import made

SEEDS = (3, 17, 2026)
# Deviations that a right statement may show. With fixed seeds the tests repeat exactly; of a thousand comparisons of
# this many standard deviations, one in 150 test suites with new seeds would fail.
SIGMAS = 4.5
# A kind whose parameters all differ from the defaults, so that no default can stand in for what was asked.
KIND = Behaviour(
    pages_per_session=2.2,
    click_through=0.4,
    position_bias=0.5,
    search_rate=0.3,
    bookmark_rate=0.2,
    rating_rate=0.3,
    purchase_rate=0.25,
    dwell_median_s=20.0,
)
EFFECTS = (("ranking-v2", "simpson"), ("large-cards", "default"))


def _finished(steps: Generator[None, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


@cache
def _scenario(seed: int) -> Scenario:
    return made(WorldOptions(seed=seed, audience_size=2000, catalogue_size=240, experiment=EFFECTS))


@cache
def _truth(seed: int) -> dict[str, Any]:
    return Truth(_scenario(seed), KIND).as_dict()


@cache
def _block(seed: int) -> Block:
    """19,200 whole sessions."""
    scenario = _scenario(seed)
    lane, number = np.repeat(np.arange(64), 300), np.tile(np.arange(300), 64)
    nobody = np.zeros(scenario.variants.shape, dtype=np.bool_)
    return _finished(sessions.play(scenario, Mix.of({KIND: 1.0}), lane, number, nobody))


def _agrees(count: int, trials: int, probability: float) -> bool:
    """Whether a binomial count lies within SIGMAS standard deviations of its mean."""
    deviation = math.sqrt(trials * probability * (1 - probability))
    return abs(count - trials * probability) <= SIGMAS * deviation + 1e-6


def _mean_agrees(values: NDArray[np.floating[Any]], expected: float) -> bool:
    error = float(values.std()) / math.sqrt(len(values))
    return abs(float(values.mean()) - expected) <= SIGMAS * error + 1e-6


def _rows(seed: int, what: int) -> Any:
    rows = _block(seed).rows
    return rows[rows["what"] == what]


@pytest.mark.parametrize("seed", SEEDS)
def test_click_through_is_as_planted_by_model_and_position(seed: int):
    """Of the items that a model showed at a position, as many are clicked as the truth says, and over all models."""
    pages, clicks, planted = _block(seed).pages, _rows(seed, CLICK), _truth(seed)["click_through"]
    for rank in range(1, 11):
        at_rank = pages.model[clicks["page"][clicks["rank"] == rank]]
        for number, model in enumerate(MODELS):
            shown = int(((pages.shown >= rank) & (pages.model == number)).sum())
            probability = planted["by_model"][model.name][rank - 1]
            assert _agrees(int((at_rank == number).sum()), shown, probability), (model.name, rank)
        shown = int((pages.shown >= rank).sum())
        assert _agrees(len(at_rank), shown, planted["by_position"][rank - 1]), rank


@pytest.mark.parametrize("seed", SEEDS)
def test_models_answer_and_fail_as_often_as_planted(seed: int):
    """Shares of the requests, of errors and of partial answers are the stated ones."""
    pages, planted = _block(seed).pages, _truth(seed)["models"]
    for number, model in enumerate(MODELS):
        status = pages.status[pages.model == number]
        truth = planted[model.name]
        assert _agrees(len(status), len(pages.model), truth["share"])
        for kind in ("error", "partial"):
            assert _agrees(int((status == STATUSES.index(kind)).sum()), len(status), truth[f"{kind}_rate"])
        took = pages.processing_ms[pages.model == number].astype(np.float64)
        assert _mean_agrees(took, truth["metrics"]["latency"]["expected"])


@pytest.mark.parametrize("seed", SEEDS)
def test_conversion_is_as_planted_by_variant_and_segment(seed: int):
    """Of the sessions in which something was viewed, each variant buys at its stated rate, in every segment."""
    scenario, block = _scenario(seed), _block(seed)
    viewed, bought = (np.unique(_rows(seed, what)["session"]) for what in (VIEW, PURCHASE))
    for index, experiment in enumerate(scenario.experiments):
        truth = _truth(seed)["experiments"][experiment.experiment_id]["outcomes"]["conversion"]
        variant, device = scenario.variants[index][block.person], scenario.audience.device[block.person]
        for number, name in enumerate(VARIANTS):
            buyers, viewers = (int((variant[which] == number).sum()) for which in (bought, viewed))
            assert _agrees(buyers, viewers, truth[name]), name
            for segment, called in enumerate(DEVICES):
                of_them = (variant == number) & (device == segment)
                buyers, viewers = (int(of_them[which].sum()) for which in (bought, viewed))
                assert _agrees(buyers, viewers, truth["segments"][called][name]), (called, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_experiments_are_told_is_as_planted(seed: int):
    """From ab-test-events alone: conversions per engagement, and mean engagement, by variant."""
    scenario, block = _scenario(seed), _block(seed)
    for index, experiment in enumerate(scenario.experiments):
        truth = _truth(seed)["experiments"][experiment.experiment_id]["outcomes"]
        told = [
            rows[rows["experiment"] == index] for rows in (_rows(seed, CONVERSION), _rows(seed, ENGAGEMENT))
        ]
        of = [scenario.variants[index][block.person[rows["session"]]] for rows in told]
        for number, name in enumerate(VARIANTS):
            buyers, viewers = (int((variant == number).sum()) for variant in of)
            assert _agrees(buyers, viewers, truth["conversion"][name])
            dwell = told[1]["value"][of[1] == number].astype(np.float64)
            assert _mean_agrees(dwell, truth["engagement"][name])


def test_the_truth_of_a_simpson_world_is_a_trap():
    """Every segment's treatment does worse by the stated lift, and the pooled reading says the opposite."""
    told = _truth(3)["experiments"]["ranking-v2"]
    conversion = told["outcomes"]["conversion"]
    assert (told["effect"], conversion["lift"]) == ("simpson", -0.15)
    for segment in conversion["segments"].values():
        assert segment["treatment"] / segment["control"] - 1 == pytest.approx(-0.15)
    assert conversion["pooled_lift"] > 0.1
    assert told["treated_share"]["desktop"] > told["treated_share"]["mobile"]


@pytest.mark.parametrize("effect", ["none", "small", "default"])
def test_without_a_trap_pooled_and_true_lift_are_one(effect: str):
    """Where segments are alike, who reads them together reads the planted lift."""
    scenario = made(
        WorldOptions(seed=5, audience_size=640, catalogue_size=240, experiment=(("ranking-v2", effect),))
    )
    conversion = Truth(scenario, Behaviour()).as_dict()["experiments"]["ranking-v2"]["outcomes"]["conversion"]
    assert conversion["lift"] == {"none": 0, "small": 0.02, "default": 0.1}[effect]
    assert conversion["pooled_lift"] == pytest.approx(conversion["lift"])


@pytest.mark.parametrize("seed", SEEDS)
def test_sessions_have_the_planted_shape(seed: int):
    """Pages a session, sessions with a view, interactions a session and dwell times are as stated."""
    block, planted = _block(seed), _truth(seed)["sessions"]
    count = len(block.person)
    session_of_page = np.zeros(len(block.pages.model), dtype=np.int64)
    requests = block.rows[block.rows["what"] == 0]
    session_of_page[requests["page"]] = requests["session"]
    pages = np.bincount(session_of_page, minlength=count)
    for number, share in planted["pages"].items():
        assert _agrees(int((pages == int(number)).sum()), count, share)
    viewed = len(np.unique(_rows(seed, VIEW)["session"]))
    assert _agrees(viewed, count, planted["something_viewed"])
    kinds = {"view": VIEW, "click": CLICK, "rating": RATING, "search": SEARCH, "bookmark": BOOKMARK}
    for name, what in (kinds | {"purchase": PURCHASE}).items():
        a_session = np.bincount(_rows(seed, what)["session"], minlength=count).astype(np.float64)
        assert _mean_agrees(a_session, planted["interactions"][name]), name
    # The mean dwell is over people: those of one person are alike, so the plain error would be a little small.
    dwell = _rows(seed, VIEW)["value"].astype(np.float64)
    assert float(dwell.mean()) == pytest.approx(planted["dwell_s"]["mean"], rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_interests_are_as_planted(seed: int):
    """A search is about the first taste as often as loyalty says; categories are sought by the stated shares."""
    scenario, block, planted = _scenario(seed), _block(seed), _truth(seed)["categories"]
    searches = _rows(seed, SEARCH)
    person = block.person[searches["session"]]
    category = scenario.catalogue.category[searches["item"]]
    loyal = int((category == scenario.audience.first_taste[person]).sum())
    assert _agrees(loyal, len(searches), planted["loyalty"])
    # One search a session: those of one session are by the same person, and so not independent.
    _, first = np.unique(searches["session"], return_index=True)
    for number, (name, share) in enumerate(planted["interest"].items()):
        assert _agrees(int((category[first] == number).sum()), len(first), share), name
    assert sum(planted["interest"].values()) == pytest.approx(1)
    assert sum(planted["demand"].values()) == pytest.approx(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_model_metrics_tend_to_what_is_planted(seed: int):
    """The windows' values scatter around the expected ones as one answer's deviation over a window's answers says."""
    timeline = Timeline(_scenario(seed), Mix.of({KIND: 1.0}), np.arange(64))
    windows = [_finished(timeline.window()) for _ in range(40)]
    metrics = np.concatenate([rows[rows["what"] == MODEL_METRIC] for rows in windows])
    for number, model in enumerate(MODELS):
        planted = _truth(seed)["models"][model.name]["metrics"]
        of_model = metrics[(metrics["page"] == number)]
        answers = of_model["value"][of_model["rank"] == THROUGHPUT].astype(np.float64)
        full = answers > 0.8 * np.median(answers)  # a lane's first window is shorter, by its phase
        for place, name in enumerate(METRIC_TYPES):
            if place == THROUGHPUT:
                continue
            value = of_model["value"][of_model["rank"] == place].astype(np.float64)[full]
            deviation = planted[name]["sd_of_one_answer"] / np.sqrt(answers[full])
            off = (value - planted[name]["expected"]) / deviation
            # Over a window's 60 answers a ratio is biased by some percent of its deviation.
            assert abs(float(off.mean())) < SIGMAS / math.sqrt(len(off)) + 0.06, (model.name, name)
            assert float(off.std()) == pytest.approx(1, abs=0.2), (model.name, name)
