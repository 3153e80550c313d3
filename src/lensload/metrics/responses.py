"""What is counted of the answers of a service under test: every list of these counts is derived from here."""

from typing import Final

from typing_extensions import TypedDict


class ResponseCounts(TypedDict):
    """The answers to the requests of the measured time: requests = answered + unanswered.

    Attributes:
        requests: requests that arrived in their topic.
        answered: how many of them have an answer, late or not.
        unanswered: how many of them have none.
        late: of the answered, those whose first answer came after --response-timeout.
        duplicated: further answers to a request that has one; only the first is timed and looked at.
        misdirected: answers for another user than asked.
        wrong_model: answers by another model than asked.
        wrong_count: answers with more items than asked, or fewer although their status is success.
        disordered: answers whose ranks are not 1, 2, 3, …, or whose scores rise with rank.
        unknown_items: answers with items that are not in the catalogue.
        partial: answers with status partial.
        error: answers with status error.
        unknown_schema: answers whose schema version is not known, or does not fit them: only their id could be read.
        unasked: answers with this run's tag to requests that this run did not make.
        foreign: answers to requests of other runs.
        corrupt: messages that are no response.
    """

    requests: int
    answered: int
    unanswered: int
    late: int
    duplicated: int
    misdirected: int
    wrong_model: int
    wrong_count: int
    disordered: int
    unknown_items: int
    partial: int
    error: int
    unknown_schema: int
    unasked: int
    foreign: int
    corrupt: int


RESPONSE_COUNTS: Final = tuple(ResponseCounts.__annotations__)

OF_REQUESTS: Final = ("answered", "unanswered")
"""The counts whose percentage is of the requests; that of the others is of those answered."""

WRONG_ANSWERS: Final = {
    "unanswered": "unanswered",
    "late": "answered late",
    "duplicated": "answered again",
    "misdirected": "answered to another user",
    "wrong_model": "answered by another model",
    "wrong_count": "with too many or too few items",
    "disordered": "with ranks or scores out of order",
    "unknown_items": "with unknown items",
    "partial": "partial",
    "error": "errors",
    "unknown_schema": "of an unknown schema version",
    "unasked": "answers that nobody asked for",
}
"""What is worth a remark wherever there is any, in words."""

PARTS: Final = ("acknowledging", "answering", "reading")


class ResponseBreakdown(TypedDict):
    """Where the mean response latency was spent, in microseconds; the three parts add up to it.

    Attributes:
        response_us: from when a request was due until the observer had its first answer.
        acknowledging_us: from due until the request was acknowledged: generator, client and broker.
        answering_us: from then until the answer's record was written, by the clock that stamps it.
        reading_us: from then until the observer had it: the way through the broker.
        claimed_us: the time that the service itself reports (processingTime).
        clock: whose clock stamps the record: "service" (CreateTime), "broker" (LogAppendTime) or "both".
        mostly: where most of the time was spent: "acknowledging", "answering" or "reading".
    """

    response_us: float
    acknowledging_us: float
    answering_us: float
    reading_us: float
    claimed_us: float
    clock: str
    mostly: str


class Reception(TypedDict):
    """What the simulated users did with the answers that they saw.

    Attributes:
        pages: answers to requests of the measured time that were seen while the schedule was on.
        items: items of the catalogue on them.
        clicks: how many of those were clicked.
        purchases: how many of the pages ended in a purchase.
        click_through: clicks per item.
        conversion: purchases per page.
    """

    pages: int
    items: int
    clicks: int
    purchases: int
    click_through: float
    conversion: float


class Responses(ResponseCounts):
    """The ledger of the answers.

    Attributes:
        reception: what people did with them; null where nobody saw any.
        breakdown: where the response latency was spent; null where nothing was answered.
    """

    breakdown: ResponseBreakdown | None
    reception: Reception | None
