"""A generator is guessed from a field's name, type, doc and default."""

from typing import Any

import pytest
from faker import Faker

from lensload.workload.inference import guesser, number_words, text_words
from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.places import Place, of_record
from tests.support.schema_styles import DATE, MILLIS, UUID, decimal, enum, field, record

GUESSER = guesser.Guesser(lambda _method: True)


def guess(name: str, kind: Any = "string", *beside: str, of: str = "Thing", **more: Any) -> Guess | None:
    others = (field(each, "string") for each in beside)
    places = of_record(record(of, field(name, kind, **more), *others))
    place = next(each for each in places if each.path == name)
    return GUESSER.of(place, frozenset(word for each in places for word in each.name))


FAKED = {
    "email": "email", "customerEmail": "email", "contact_email_address": "email", "firstName": "first_name",
    "first_name": "first_name", "LastName": "last_name", "fullName": "name", "iban": "iban", "IBAN": "iban",
    "billingCity": "city", "country": "country", "countryCode": "country_code", "zip": "postcode",
    "zip_code": "postcode", "postCode": "postcode", "street": "street_name", "ip": "ipv4", "clientIp": "ipv4",
    "remoteIPAddress": "ipv4", "sourceIPv6": "ipv6", "userAgent": "user_agent", "url": "url", "imageUrl": "url",
    "phone": "phone_number", "phoneNumber": "phone_number", "company": "company", "company_name": "company",
    "description": "sentence", "jobTitle": "job", "macAddress": "mac_address", "emails": "email",
    "user_ipaddress": "ipv4", "remote_addr": "ipv4",
}  # fmt: skip


@pytest.mark.parametrize(("name", "method"), FAKED.items(), ids=list(FAKED))
def test_texts_are_known_by_their_names(name: str, method: str):
    """What a field is called says what is in it, in camelCase and in snake_case."""
    kind = {"type": "array", "items": "string"} if name.endswith("s") and name != "address" else "string"
    places = of_record(record("Thing", field(name, kind)))
    assert GUESSER.of(places[-1], frozenset()) == {"faker": method}


@pytest.mark.parametrize(
    ("of", "method"),
    [("Customer", "name"), ("CompanyCreated", "company"), ("Product", "catch_phrase"), ("Odd", "word")],
)
def test_a_name_is_of_what_its_record_is_of(of: str, method: str):
    """A customer's name is a person's, a company's a company's."""
    assert guess("name", of=of) == {"faker": method}


def test_a_state_is_part_of_a_country_beside_a_city():
    """The same word means another thing in an address and in an order."""
    assert guess("state", "string", "city", "zip") == {"faker": "state"}
    assert "choice" in (guess("state", "string", "amount") or {})


DOCS: dict[str, tuple[str, Guess]] = {
    "listed values": ("One of NEW, PAID or SHIPPED.", {"choice": ["NEW", "PAID", "SHIPPED"]}),
    "values in capitals": ("NEW | PAID", {"choice": ["NEW", "PAID"]}),
    "a currency": ("ISO 4217 code", text_words.TEXTS["currency"]),
    "a country": ("ISO-3166 alpha 2", {"faker": "country_code"}),
    "an id": ("UUID of the thing", {"uuid": {}}),
    "an example": ("e.g. CUST-12345", {"pattern": "CUST-#####"}),
    "a moment": ("ISO 8601", {"due": {}}),
    "JSON": ("The answer as JSON", text_words.TEXTS["json"]),
    "a schema in JSON": ("As the JSON specification says", {"faker": "word"}),
}


@pytest.mark.parametrize(("doc", "expected"), DOCS.values(), ids=list(DOCS))
def test_a_doc_says_what_a_name_does_not(doc: str, expected: Guess):
    """A doc that lists values, names a standard or gives an example is believed."""
    assert guess("xyz", doc=doc) == expected


def test_a_range_in_a_doc_is_kept():
    """Numbers stay within what the doc allows."""
    assert guess("xyz", "int", doc="from 1 to 5") == {"uniform": [1, 5]}
    assert guess("xyz", "double", doc="between 0 and 1") == {"uniform": [0, 1], "decimals": 4}


def test_numbers_fit_their_types():
    """An amount is in cents in whole numbers, and a decimal never has more digits than its precision."""
    real, whole, exact = (guess("amount", kind) or {} for kind in ("double", "long", decimal(4, 2)))
    assert whole["lognormal"]["median"] == 100 * real["lognormal"]["median"]
    assert type(whole["lognormal"]["median"]) is int
    assert whole["lognormal"]["sigma"] == real["lognormal"]["sigma"]
    assert exact["max"] == 99


def magnitudes(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for name, each in value.items() if name != "sigma" for number in magnitudes(each)]
    if isinstance(value, list):
        return [number for each in value for number in magnitudes(each)]
    return [abs(value)] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("digits", [1, 2, 3, 17])
def test_no_number_that_a_name_says_is_too_large_for_a_decimal(digits: int):
    """Whatever a decimal is called, its generator is within its precision."""
    for name in number_words.NUMBERS:
        made = guess(name.replace(" ", "_"), decimal(digits + 1, 1)) or {}
        distributions = {
            key: value for key, value in made.items() if key != "choice" or isinstance(value, list)
        }
        assert max([0, *magnitudes(distributions)]) < 10**digits, name


MOMENTS: dict[str, tuple[Any, str]] = {
    "createdAt": (MILLIS, "due"), "timestamp": ("long", "due"), "event_time": ("string", "due"), "ts_ms": ("long", "due"),
    "updated_at": ("int", "due"), "ts_us": ("long", "uniform"), "dateOfBirth": (DATE, "before_due"),
    "registeredAt": (MILLIS, "before_due"), "whatever": (MILLIS, "due"), "expiresAt": (MILLIS, "uniform"),
    "responseTime": ("double", "lognormal"), "timezone": ("string", "faker"), "date_of_birth": ("long", "before_due"),
    "event_ts": ("double", "due"), "lapTime": ("double", "lognormal"), "totalTime": ("int", "lognormal"),
    "processing_time": ("long", "lognormal"), "timeSpent": ("long", "lognormal"), "pageLoadTime": ("long", "lognormal"),
}  # fmt: skip


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_are_known_by_type_or_name(name: str):
    """Times are when the event is due or before it, in the unit that the field counts in."""
    kind, expected = MOMENTS[name]
    assert expected in (guess(name, kind) or {})


def test_a_doc_says_the_unit_of_a_moment():
    """A moment counts in what its doc has in parentheses; a double counts seconds."""
    seconds, millis = ("Timestamp in UTC (s)", "Timestamp in UTC (ms)")
    assert guess("time", "double", doc=seconds) == guess("time", "long", doc=millis) == {"due": {}}
    assert "uniform" in (guess("time", "double", doc=millis) or {})


DATAGEN: dict[str, tuple[str, dict[str, Any], Guess | None]] = {
    "options": ("string", {"options": ["MALE", "FEMALE"]}, {"choice": ["MALE", "FEMALE"]}),
    "a range": ("int", {"range": {"min": 20, "max": 3500}}, {"uniform": [20, 3499]}),
    "a real range": ("double", {"range": {"min": -50, "max": 70}}, {"uniform": [-50, 70]}),
    "an iteration": (
        "long",
        {"iteration": {"start": 1000, "step": 1}},
        {"sequence": {"start": 1000, "step": 1}},
    ),
    "options of another type": ("int", {"options": ["a"]}, {"uniform": [0, 1000]}),
    "a range without an end": ("int", {"range": {"min": 1}}, {"uniform": [0, 1000]}),
}


@pytest.mark.parametrize(("kind", "said", "expected"), DATAGEN.values(), ids=list(DATAGEN))
def test_what_a_schema_says_to_datagen_is_kept(kind: str, said: Any, expected: Guess):
    """The arg.properties of Confluent's Datagen source say more than a name."""
    assert guess("xyz", {"type": kind, "arg.properties": said}) == expected
    assert guess("xyz", ["null", {"type": kind, "arg.properties": said}]) == expected


_MICROS_OF_2026 = [1_767_225_600_000_000, 1_798_761_600_000_000]
CONNECT: dict[str, tuple[str, dict[str, Any], Guess]] = {
    "io.debezium.time.Timestamp": ("long", {}, {"due": {}}),
    "io.debezium.time.MicroTimestamp": ("long", {}, {"uniform": _MICROS_OF_2026}),
    "io.debezium.time.NanoTimestamp": ("long", {}, {"uniform": [each * 1000 for each in _MICROS_OF_2026]}),
    "io.debezium.time.ZonedTimestamp": ("string", {}, {"due": {}}),
    "io.debezium.time.Date": ("int", {}, {"uniform": [20454, 20819]}),
    "io.debezium.data.Uuid": ("string", {}, {"uuid": {}}),
    "io.debezium.data.Enum": (
        "string",
        {"allowed": "true,last,false"},
        {"choice": ["true", "last", "false"]},
    ),
}


@pytest.mark.parametrize(("name", "said"), CONNECT.items(), ids=list(CONNECT))
def test_a_name_of_kafka_connect_says_what_a_type_holds(name: str, said: tuple[str, dict[str, Any], Guess]):
    """The connect.name of a type that has no logical type says more than the field's name."""
    kind, parameters, expected = said
    node = {"type": kind, "connect.name": name, "connect.parameters": parameters}
    assert guess("created", node) == guess("xyz", ["null", node]) == expected


def test_an_enum_of_kafka_connect_without_its_values_is_a_text():
    """Parameters of another form are ignored."""
    for parameters in ({}, {"allowed": 3}, {"allowed": "[1"}, None):
        node = {"type": "string", "connect.name": "io.debezium.data.Enum", "connect.parameters": parameters}
        assert guess("xyz", node) == {"faker": "word"}


def test_a_default_says_that_a_guess_is_wrong():
    """A text field gets its own default where that is not among the guessed values."""
    assert guess("level", default="bronze") == {"constant": "bronze"}
    assert guess("level", default="WARN") == guess("level", default="") == guess("level", default="UNKNOWN")
    assert guess("orderStatus", default="PENDING") == {"constant": "PENDING"}
    assert guess("firstName", default="Ada") == {"faker": "first_name"}


def test_a_level_is_of_what_its_record_is_of():
    """A customer's level is not a log's."""
    assert guess("level", of="Customer") == guess("customerLevel") != guess("level", of="LogEntry")


def test_an_event_begins_before_it_ends():
    """Of two times in one record the first lies before the second."""
    assert "before_due" in (guess("startedAt", MILLIS, "endedAt") or {})
    assert guess("startedAt", MILLIS) == {"due": {}}


def test_bytes_of_a_known_size_have_it():
    """An id of a trace has 16 bytes, as tracing has it, and a digest as many as its kind."""
    sizes = {
        name: (guess(name, "bytes") or {})["length"] for name in ("trace_id", "span_id", "sha256", "blob")
    }
    assert sizes == {"trace_id": 16, "span_id": 8, "sha256": 32, "blob": [8, 64]}


def test_flags_and_symbols():
    """Flags of what is seldom are mostly false; an enum's default is its most frequent symbol."""
    assert (guess("deleted", "boolean") or {})["choice"].count(True) == 1
    assert (guess("enabled", "boolean") or {})["choice"].count(True) == 3
    assert guess("x", enum("E", "A", "B"), default="B") == {"choice": {"A": 1, "B": 3}}
    assert guess("x", UUID) == {"uuid": {}}


def test_every_method_of_faker_that_is_named_exists():
    """No generator asks Faker for what it does not have."""
    faker = Faker("en_US")
    for table in (text_words.TEXTS, text_words.NAMES):
        for made in table.values():
            if "faker" in made:
                named: Any = made["faker"]
                assert hasattr(faker, named["method"] if isinstance(named, dict) else named)


def test_a_method_that_a_locale_lacks_is_not_used():
    """A locale without states gets another word, and not an error."""
    place: Place = of_record(record("Address", field("state", "string"), field("city", "string")))[0]
    made = guesser.Guesser(lambda method: method != "state")
    assert made.of(place, frozenset({"state", "city"})) == {"faker": "word"}
