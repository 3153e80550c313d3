"""The proxy before a broker does what it is told, and nothing else."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, Producer

from tests.harness.artifacts import HarnessError
from tests.harness.kafka import Kafka
from tests.harness.process import free_ports
from tests.harness.proxy import PRODUCE, Proxy
from tests.integration.test_harness import create_topic, read_values


@pytest.fixture
def echo() -> Iterator[Proxy]:
    """A proxy before a server that says everything back."""
    port, target_port = free_ports(2)
    listener = socket.create_server(("127.0.0.1", target_port))

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while said := client.recv(1 << 16):
                client.sendall(said)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    with Proxy(port, target_port) as proxy:
        yield proxy
    listener.shutdown(socket.SHUT_RDWR)
    accepting.join()
    listener.close()


def connect(proxy: Proxy) -> socket.socket:
    host, _, port = proxy.bootstrap_servers.partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def request(size: int = 100, api_key: int = PRODUCE) -> bytes:
    """Looks like one of Kafka's."""
    return (size - 4).to_bytes(4) + api_key.to_bytes(2) + bytes(size - 6)


def read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(1 << 20)
        assert part, "closed"
        found += part
    return found


def round_trip_s(connection: socket.socket, said: bytes) -> float:
    began_s = time.monotonic()
    connection.sendall(said)
    assert read(connection, len(said)) == said
    return time.monotonic() - began_s


def test_a_delay_is_one_way_exact_and_can_be_changed(echo: Proxy):
    """Directions add up, and what is set holds for connections that are open."""
    with connect(echo) as connection:
        # The shortest: on a busy machine any of the others may have waited for a processor too.
        bare_s = min(round_trip_s(connection, request()) for _ in range(9))
        for requests_ms, responses_ms in ((20, 0), (0, 20), (20, 30), (0, 0)):
            echo.delay("requests", requests_ms)
            echo.delay("responses", responses_ms)
            echo.held_ms(PRODUCE)
            took_s = min(round_trip_s(connection, request()) for _ in range(9)) - bare_s
            assert abs(took_s - (requests_ms + responses_ms) / 1000) < 0.005
            assert requests_ms <= echo.held_ms(PRODUCE) < requests_ms + 50


def test_one_kind_of_request_can_be_delayed_however_tcp_cuts_it(echo: Proxy):
    """Kinds are told apart by what Kafka says, not by where a segment begins."""
    echo.delay("requests", 200, api_key=PRODUCE)
    with connect(echo) as connection:
        assert round_trip_s(connection, request(api_key=3) + request(api_key=1)) < 0.2
        for byte in request(50, api_key=1) + request(50):
            connection.sendall(bytes([byte]))
        began_s = time.monotonic()
        assert read(connection, 50)[5] == 1
        assert time.monotonic() - began_s < 0.15
        assert read(connection, 50)[5] == PRODUCE
        assert time.monotonic() - began_s > 0.15


def test_a_delay_takes_no_throughput(echo: Proxy):
    """It is a delay line: 16 MB under 100 ms take 100 ms longer, not 100 ms a chunk."""
    said = request(1 << 24)
    echo.delay("requests", 100)
    with connect(echo) as connection:
        talking = threading.Thread(target=connection.sendall, args=(said,))
        began_s = time.monotonic()
        talking.start()
        assert read(connection, len(said)) == said
        talking.join()
    assert 0.1 < time.monotonic() - began_s < 1.5


def test_what_is_held_comes_later_whole_and_in_order(echo: Proxy):
    """Nothing passes while it is held, new connections wait too, and nothing is lost."""
    with connect(echo) as connection:
        echo.hold()
        connection.settimeout(0.2)
        said = b"".join(request(100, api_key=key) for key in range(50))
        connection.sendall(said)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        with connect(echo) as another:
            another.sendall(request())
            echo.resume()
            connection.settimeout(10)
            assert read(connection, len(said)) == said
            assert read(another, 100) == request()


def test_dropped_connections_break_and_new_ones_work(echo: Proxy):
    """A client is told at once (RST), and may come again."""
    with connect(echo) as connection:
        round_trip_s(connection, request())
        assert echo.drop() == 1
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert echo.drop() == 0
    with connect(echo) as again:
        round_trip_s(again, request())


def test_without_a_target_connections_close(echo: Proxy):
    """A broker that is away is seen through the proxy as away, and an order that is none is refused."""
    (nobody,) = free_ports(1)
    (port,) = free_ports(1)
    with Proxy(port, nobody) as proxy, connect(proxy) as connection:
        assert connection.recv(1) == b""
    with pytest.raises(HarnessError, match="no such order"):
        echo._say("dance")  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # nothing public says nonsense


def test_all_of_a_kafka_clients_connections_lead_through_it(kafka: Kafka, proxy: Proxy, topic_prefix: str):
    """The broker advertises the proxy to whoever comes through it: what is held is not produced, then it is."""
    topic, came = f"{topic_prefix}held", list[KafkaError | None]()
    create_topic(kafka, topic)
    producer = Producer({"bootstrap.servers": proxy.bootstrap_servers, "linger.ms": 0, "log_level": 0})
    assert next(iter(producer.list_topics(topic, 10).brokers.values())).port == kafka.proxy_port
    producer.produce(topic, b"first", on_delivery=lambda error, _: came.append(error))
    assert producer.flush(10) == 0
    proxy.hold()
    producer.produce(topic, b"second", on_delivery=lambda error, _: came.append(error))
    assert producer.flush(0.3) == 1
    proxy.resume()
    assert producer.flush(10) == 0
    assert came == [None, None]
    assert read_values(kafka, topic, 2) == [b"first", b"second"]
