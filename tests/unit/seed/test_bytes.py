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
        8_231,
        "9c437d5b5fcd25ce15f504a4988558712f24f8b83bcd2ae73f2279d40f5728a6",
    ),
    ("recommendation-requests", 1): (
        8_376,
        "5eab5a8913d924b22955a79aaa1f5270f420a2cd9b785355a6cc4fcd841dd831",
    ),
    ("recommendation-requests", 2): (
        8_805,
        "5a30ce584d3188087ccd99c1928b6ebd04d3a0cc9684bce968480d075487434d",
    ),
    ("recommendation-requests", 3): (
        8_946,
        "dccbe6c6017fcc21704738a884f2f231d52fee4c9f242779aa2c1e64b7cc31c3",
    ),
    ("recommendation-responses", 0): (
        8_231,
        "f67c4a2bd50c27b11432892c22aa5dbb62d104c3d12f70f5e5c0e95c22920fe9",
    ),
    ("recommendation-responses", 1): (
        8_376,
        "8ad5137105ca65998d1d274ee022616452fc914ab211e4c5c2a342429c974104",
    ),
    ("recommendation-responses", 2): (
        8_805,
        "6cb0313ef226994f07a5f7e74d8e6b7ed5ae9d23a4b9e816d099112a4906341b",
    ),
    ("recommendation-responses", 3): (
        8_946,
        "873b574a7d6173bdb99df543d5bbff78988c06e32eda9289b467687025d3ea53",
    ),
    ("user-interactions", 0): (25_174, "ed2b726f035b42df34a3d59c979f261ece0f05af1e776b3b25a208a437a03014"),
    ("user-interactions", 1): (25_556, "2536a2729a7dab437b02d5f634f8773c83768ab1d3b94b49f58499623b93753e"),
    ("user-interactions", 2): (26_836, "fec3dee9d4871752378c238717325de0110d7fdf77d4a160dff81c63f2f57623"),
    ("user-interactions", 3): (27_081, "8cf9e0090b37b7d44a58dae12acad5ef4571a6ce044b1efe7a738e9869d750bf"),
    ("ab-test-events", 0): (5_391, "ad65c0ce9996239e073d90e14710e381e1cde638809d70cfce21693a6b511a00"),
    ("ab-test-events", 1): (5_333, "6f1890e2067ee049a261a32669375999726ab88820caab58bf9b44c4ff52ba69"),
    ("ab-test-events", 2): (6_111, "fa7de459d2998f345aa13fc62f623064bfa69ba5e1977470c904ba938fd052df"),
    ("ab-test-events", 3): (5_810, "7b2d3bbcd2fbb478bc286a08f7c4b83dba0b164021262e677b55ef75bd7c815a"),
    ("model-metrics", 0): (1_328, "39b9de4500be70abe1f58b4279b33e56ede7b6cd28f01ced41a766fde9326547"),
    ("model-metrics", 1): (1_336, "b91f8b117c543aca5ff16c7ef779792aa2d74292148b4a71c3d48c770aaf8b38"),
    ("model-metrics", 2): (1_328, "2b5ea4cf70260a9d9ec0ca7db93fef92d6ae46fa968fb257b78677824f6c53f8"),
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
