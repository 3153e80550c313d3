"""Names are told apart into words, whatever style people write them in."""

import pytest

from lensload.workload.inference import naming

SPELLINGS: dict[naming.Words, list[str]] = {
    ("customer", "id"): [
        "customerId",
        "customer_id",
        "CustomerID",
        "customerID",
        "CUSTOMER_ID",
        "customer-id",
    ],
    ("user", "id"): ["userId", "userid", "USERID"],
    ("order", "time"): ["order_time", "ordertime"],
    ("ip", "address"): ["ipAddress", "IPAddress", "ip_address"],
    ("user", "ids"): ["userIds", "userIDs", "user_ids"],
    ("client", "ip4"): ["clientIPv4", "client_ip_v4", "clientIp4"],
    ("address", "line1"): ["addressLine1", "address_line_1", "ADDRESS_LINE1"],
    ("sha256", "hash"): ["sha256Hash", "sha256_hash"],
    ("http", "status", "code"): ["HTTPStatusCode", "httpStatusCode"],
}


@pytest.mark.parametrize("words", SPELLINGS, ids=" ".join)
def test_every_spelling_of_a_name_has_the_same_words(words: naming.Words):
    """A guess does not depend on whether a team writes camelCase or snake_case."""
    assert {naming.words(name) for name in SPELLINGS[words]} == {words}


@pytest.mark.parametrize("word", ["valid", "runtime", "paid", "uptime", "candidate", "grid"])
def test_a_word_that_only_ends_like_an_id_or_a_time_is_one(word: str):
    """A name without signs is taken apart only where both parts are known."""
    assert naming.words(word) == (word,)


@pytest.mark.parametrize(
    "many",
    [
        "customers",
        "countries",
        "addresses",
        "statuses",
        "boxes",
        "branches",
        "people",
        "ids",
        "sensors",
        "days",
    ],
)
def test_one_of_many_and_many_of_one(many: str):
    """Pools are called by many of a noun, and items of lists by one of it."""
    assert naming.plural(naming.singular(many)) in (many, naming.singular(many) + "s")
    assert naming.singular(many) != many


@pytest.mark.parametrize("one", ["status", "address", "news", "bus", "gps", "id"])
def test_what_is_one_already_stays(one: str):
    """A word that only ends like many is not cut."""
    assert naming.singular(one) == one
