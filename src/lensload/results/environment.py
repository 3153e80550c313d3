"""The conditions of a run: versions, machine, configuration, cluster. Nothing that names a person or a host."""

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lensload import __version__
from lensload.machine import usable_cpus

# By distribution name, and never by importing: locust's import patches the whole process.
PACKAGES = ("locust", "confluent-kafka", "faker", "fastavro", "numpy")


def conditions(
    configuration: Mapping[str, Any], cluster: Mapping[str, Any], **more: object
) -> dict[str, Any]:
    """What a stranger must know to repeat a run, fit for JSON.

    Args:
        configuration: every option in force, already without secrets (`RunConfig.public()`).
        cluster: what is known of the cluster: addresses, partitions, whether it is embedded.
        more: anything else that shaped the run, by name.
    """
    return {
        "versions": versions(),
        "machine": machine(),
        "configuration": dict(configuration),
        "cluster": dict(cluster),
        "seed": (configuration.get("workload") or configuration).get("seed"),
        **more,
    }


def versions() -> dict[str, str]:
    """Version by name of what the figures depend on; a package that is not installed is left out."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "lensload": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if "confluent-kafka" in found:
        found["librdkafka"] = _librdkafka()
    return found


def machine() -> dict[str, Any]:
    """The machine: CPUs this process may use, their model, architecture, kernel, memory; no host name."""
    return {
        "cpus": usable_cpus(),
        "cpu_model": _cpu_model(),
        "architecture": platform.machine(),
        "kernel": f"{platform.system()} {platform.release()}",
        "memory_bytes": _memory_bytes(),
    }


def _librdkafka() -> str:
    from confluent_kafka import libversion  # noqa: PLC0415 - slow to import, and only wanted here

    return str(libversion()[0])


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not a POSIX system, or one without the name
        return None
