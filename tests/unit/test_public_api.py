"""What a locustfile may import."""

import json
import subprocess
import sys

from lensload.processes import interpreter

PUBLIC = {"Audience", "Browsers", "Buyers", "LoadTestShape", "OrdinaryAudience", "Searchers", "User"}


def test_the_public_names_of_lensload_locust_are_these() -> None:
    """What users write in a locustfile: no name goes away, or is added, by the way."""
    program = (
        "import json, lensload.locust as api; print(json.dumps({n: hasattr(api, n) for n in api.__all__}))"
    )
    # In a process of its own: importing Locust patches the one that does it for gevent.
    output = subprocess.check_output([sys.executable, "-c", program], text=True, env=interpreter.environ())
    assert json.loads(output.splitlines()[-1]) == dict.fromkeys(PUBLIC, True)


def test_locust_works_out_the_defaults_of_its_options_once() -> None:
    """A worker's order to spawn asks for them once an option: each time a whole parser, and meanwhile no heartbeat."""
    program = (
        "import lensload.locust; from locust import argument_parser as parser;"
        " print(parser.default_args_dict() is parser.default_args_dict())"
    )
    output = subprocess.check_output([sys.executable, "-c", program], text=True, env=interpreter.environ())
    assert output.splitlines()[-1] == "True"
