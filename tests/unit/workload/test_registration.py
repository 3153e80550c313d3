"""The schemas of a workload in a registry: under their subjects, once, and never over what others have there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lensload.errors import RegistryError
from lensload.schema.registry import Registry, connect
from lensload.workload import loading
from lensload.workload.model import Workload
from lensload.workload.registration import register
from tests.support import shop


@pytest.fixture
def registry() -> Iterator[Registry]:
    with connect("mock://workloads", environ={}) as found:
        yield found


def workload(folder: Path) -> Workload:
    text = shop.TEXT.replace('schema = "payment.avsc"', 'schema = "payment.avsc"\nkey_schema = "key.avsc"')
    return loading.load(shop.written(folder, text))


def test_schemas_of_files_are_registered_under_their_topics(registry: Registry, tmp_path: Path):
    """Values and keys each have their subject, and doing it again gives the same ids."""
    topics = workload(tmp_path).topics
    found = register(registry, topics, "my-", "missing")
    subjects = ("my-orders-value", "my-payments-value", "my-payments-key")
    assert all(registry.latest(subject) for subject in subjects)
    assert found["orders"].key is None
    key = found["payments"].key
    assert key is not None
    ids = {
        found["orders"].value.known.schema_id,
        found["payments"].value.known.schema_id,
        key.known.schema_id,
    }
    assert len(ids) == 3
    assert register(registry, topics, "my-", "missing") == found


def test_what_may_not_be_registered_is_not(registry: Registry, tmp_path: Path):
    """With `never`, a schema that is missing is named and nothing is written."""
    with pytest.raises(RegistryError, match="orders-value"):
        register(registry, workload(tmp_path).topics, "", "never")
    assert registry.latest("orders-value") is None
