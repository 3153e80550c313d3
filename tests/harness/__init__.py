"""A real Kafka and a real Schema Registry, natively on this machine, for tests and for people.

By hand, from the repository's root: ``python -m tests.harness``. In tests: the fixtures of
``tests/conftest.py``.

    artifacts   what has to be downloaded, once, into the cache
    process     a server process that can be stopped, killed, frozen and that never outlives us
    kafka       one broker: storage, configuration, Kafka's own tools; three of them as a cluster; one on its own disk
    disk        disks that can be filled or slowed down
    network     hosts of their own, and links between them that can be cut
    proxy       between clients and a broker: delays, holds, drops
    registry    one registry with Confluent's REST interface

``artifacts`` needs nothing but the standard library, so that CI can fetch before anything is installed.
"""
