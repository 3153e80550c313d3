"""What a Kafka client complains of, in words for people."""

import re
import time
from collections.abc import Sequence

from confluent_kafka import KafkaError

_TOLD_AGAIN_S = 30.0
NO_BROKER = "no broker can be reached"
"""What is said of a client that has lost every broker."""
HOPELESS = {
    "_AUTHENTICATION": "Check security.protocol and the sasl properties in the --client-config file.",
    "_SSL": "Check security.protocol and the ssl properties in the --client-config file, and that the port speaks TLS.",
    "_RESOLVE": "Check the host's name in --bootstrap-servers.",
    "_BAD_MSG": "Something other than Kafka answers there: check the port in --bootstrap-servers.",
}
"""What librdkafka says (`KafkaError.name()`) that no waiting mends, with what to do about it."""


class Troubles:
    """What a client complains of, kept as sentences for people; to be given to it as its `error_cb`.

    A client that has lost its broker complains twenty times a second, so the same sentence is told again only
    after half a minute.
    """

    def __init__(self) -> None:
        self._fresh: dict[str, int] = {}
        self._told_s: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        """Note one."""
        text = in_words(error)
        self._fresh[text] = self._fresh.get(text, 0) + 1

    def take(self) -> list[str]:
        """What is to be told now."""
        now_s = time.monotonic()
        due = [
            text for text in self._fresh if now_s - self._told_s.get(text, -_TOLD_AGAIN_S) >= _TOLD_AGAIN_S
        ]
        self._told_s.update(dict.fromkeys(due, now_s))
        counts = {text: self._fresh.pop(text) for text in due}
        return [f"{text} ({count} times)" if count > 1 else text for text, count in counts.items()]


def most_telling(errors: Sequence[KafkaError]) -> str:
    """The error that says most about the cause, `in_words`."""
    telling = [error for error in errors if error.name() != "_ALL_BROKERS_DOWN"]
    if not telling:
        return "no answer"
    worst = next((error for error in telling if error.name() in HOPELESS), telling[-1])
    return in_words(worst)


def in_words(error: KafkaError) -> str:
    """An error in librdkafka's words without its inner workings, so that what is the same reads the same."""
    if error.name() == "_ALL_BROKERS_DOWN":  # whose own words count brokers that never were ("0/2 are down")
        return NO_BROKER
    text = re.sub(r" \(after \d+ms.*\)|Local: |^GroupCoordinator: |ipv[46]#", "", error.str())
    return re.sub(r"(:\d+)/(?:bootstrap|\d+)", r"\1", text)
