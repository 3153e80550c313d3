"""The bytes of a seed are a promise: the same options give the same digests, from one version to the next."""

from datetime import UTC, datetime
from functools import partial

from lensload.config.model import RunConfig
from lensload.seed.digest import PartitionDigest
from lensload.seed.options import SeedOptions, plan_of
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.record_stream import RecordStream

PARTITIONS = 4
# Of `lensload seed --events 200000 --seed 7 --until 2026-01-01T00:00:00Z` into four partitions a topic. Faker fills the
# world, so its version decides too: constraints.txt pins it. Who changes what is seeded changes these, and CHANGELOG.
DIGESTS: dict[tuple[str, int], tuple[int, str]] = {
    ("recommendation-requests", 0): (
        8_357,
        "a93098d3f996fe8dabf514301f905a873ccabd2af15ffa4fb50e2a58a0727eca",
    ),
    ("recommendation-requests", 1): (
        8_266,
        "0e64dc374af895a07c91fd6dfdb1b3738aadcd9b0992a8a5679663b86a0e8151",
    ),
    ("recommendation-requests", 2): (
        8_904,
        "228499c784614510983be915c5ff727b9c0c661c3c8db5fe6253bfc8129682bf",
    ),
    ("recommendation-requests", 3): (
        8_958,
        "27a79aec283d0678ac336fe13e22692c10abece5ab465c211453d7e1f135214b",
    ),
    ("recommendation-responses", 0): (
        8_357,
        "c9c7bba706e6cc12d06c69f9333d329d3c1061c0bc9143aeaea7884f41cf6657",
    ),
    ("recommendation-responses", 1): (
        8_266,
        "f59fb9949a6df6df2e8b99d698395e1e055a30dbccba9dab5e6e33036ba0eba7",
    ),
    ("recommendation-responses", 2): (
        8_903,
        "5b9473568913baf3921de9591a83f2e117648278332f1a0625ee4266149a7a01",
    ),
    ("recommendation-responses", 3): (
        8_958,
        "4c085286a11c3e18717f9ee2b734e2dfc5615db1109c03d97004078f77d86d62",
    ),
    ("user-interactions", 0): (25_518, "a9bdb75e52940b785cd0725407cdfa9dced9bc57fac68c3a53e91e28bf2f774c"),
    ("user-interactions", 1): (25_214, "3bf299e4478b62d4ee6b6b52100f486333e41076a1f39bde6bb5a515654f4945"),
    ("user-interactions", 2): (27_168, "a43f201703218f0c1e648aaf5b017c973921f725abcf940add6e3f35a4712964"),
    ("user-interactions", 3): (26_672, "482632d75e030b93123b28ed84d8a7d1375a3df4fdf484ab5dc5bb238e1b64ff"),
    ("ab-test-events", 0): (5_321, "d3d9844847025d85c6539c5838819a1901b679cfc748d38d2013927c5d1ebfd2"),
    ("ab-test-events", 1): (5_320, "85aa615242a36566b6c8ab905b095abaffed4f964362b5eb3338d49a459b83b7"),
    ("ab-test-events", 2): (6_016, "2600e2190ed3aeaf3a4ca315f2067c0f25017de694cc26131528d1672aadc392"),
    ("ab-test-events", 3): (5_778, "6cc6947340dc8c40bc33f2ca5fd95351786c467de93eacbe928e7c42410c921c"),
    ("model-metrics", 0): (1_336, "c5f143abb6edb1a8734f901816ba3ce956c955226ee20867f6aba364781e5195"),
    ("model-metrics", 1): (1_344, "89313bc016fe4f220fd537cd57ceeb4f251743cab908a76c32d74873f44ed141"),
    ("model-metrics", 2): (1_344, "aa719ace056aa66be6b700557c1f039a11ad379926b57088f4598b5fda229c4d"),
    ("model-metrics", 3): (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
}


def plan(events: int = 200_000, until: str = "2026-01-01T00:00:00Z", month: int = 6, **settings: int) -> Plan:
    """What those options ask for, in a month of 2026."""
    now_ms = round(datetime(2026, month, 1, tzinfo=UTC).timestamp() * 1000)
    return plan_of(SeedOptions(events=events, until=until), RunConfig.of(seed=7, **settings), now_ms)


def digests(asked: Plan) -> dict[tuple[str, int], tuple[int, str]]:
    """Count and digest of each partition of a plan."""
    schema_ids = {topic: number for number, topic in enumerate(asked.topics, start=1)}
    stream = RecordStream(asked, schema_ids, Partitioner(dict.fromkeys(asked.topics, PARTITIONS)))
    found = {
        (topic, number): PartitionDigest(schema_ids[topic])
        for topic in asked.topics
        for number in range(PARTITIONS)
    }
    for records in stream.records():
        for number, some in records.by_partition():
            found[records.topic, number].add(some.keys, some.values, some.timestamp_ms.tolist(), some.headers)
    return {place: (digest.count, digest.done()) for place, digest in found.items()}


def test_a_seed_is_the_same_in_every_version():
    """What was seeded with these options years ago is what they seed today, byte for byte."""
    assert digests(plan()) == DIGESTS


def test_a_fixed_end_makes_bytes_the_same_on_any_day_and_without_it_only_people_and_items_are():
    """What docs/seed.md says of --until: it alone decides whether the same command gives the same bytes tomorrow."""
    few = partial(plan, 3_000, audience_size=500, catalogue_size=200)
    assert digests(few(month=5)) == digests(few(month=6))
    may, june = few("now", month=5), few("now", month=6)
    assert digests(may) != digests(june)
    worlds = [each.scenario() for each in (may, june)]
    assert worlds[0].audience.user_ids == worlds[1].audience.user_ids
    assert worlds[0].catalogue.item_ids == worlds[1].catalogue.item_ids
