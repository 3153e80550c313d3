"""The Kubernetes example fits itself, the image and the options: what its schema alone does not say.

It was checked with kubernetes-validate (strict, for 1.33 and 1.37), whose 70 MB of schemas no development machine needs.
"""

import re
from pathlib import Path

from lensload.config.options import options

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "examples" / "kubernetes" / "lensload.yaml").read_text()
DOCUMENTS = TEXT.split("\n---\n")


def document(kind: str, name: str) -> str:
    """The one document of a kind and name."""
    (found,) = (
        text for text in DOCUMENTS if f"\nkind: {kind}\n" in f"\n{text}" and f"\n  name: {name}\n" in text
    )
    return found


def test_each_deployment_selects_its_own_pods():
    """The labels that a deployment looks for are those that it gives, and no other deployment's."""
    selected: list[str] = []
    for part in ("master", "worker"):
        text = document("Deployment", f"lensload-{part}")
        (wanted, *others) = re.findall(r"matchLabels: (\{.*\})", text)
        assert f"template:\n    metadata:\n      labels: {wanted}\n" in text
        assert set(others) <= {wanted}
        selected.append(wanted)
    assert len(set(selected)) == 2
    assert f"selector: {selected[0]}\n" in document("Service", "lensload-master")


def test_workers_reach_the_master_through_its_service():
    """The address that workers are given is a service with Locust's port, and there is one master."""
    (address,) = re.findall(r'"--master-host", "([^"]+)"', document("Deployment", "lensload-worker"))
    service, master = document("Service", address), document("Deployment", "lensload-master")
    for name, port in (("workers", 5557), ("web", 8089)):
        assert f"{{name: {name}, port: {port}}}" in service
        assert f"{{name: {name}, containerPort: {port}}}" in master
    assert "\n  replicas: 1 " in master


def test_the_settings_are_options_of_lensload():
    """No variable is one that lensload refuses, and both deployments take them all."""
    names = set(re.findall(r"\b(LENSLOAD_\w+)", TEXT))
    assert {"LENSLOAD_BOOTSTRAP_SERVERS", "LENSLOAD_REGISTRY_URL"} <= names
    assert names <= {option.env for option in options()}
    assert TEXT.count("- configMapRef: {name: lensload}") == 2


def test_the_pods_run_as_the_images_user():
    """Kubernetes takes a user that is not root by number only: the first one that the Dockerfile adds is 1000."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert dockerfile.count("useradd") == 1
    assert TEXT.count("runAsNonRoot: true, runAsUser: 1000") == 2
    assert len(set(re.findall(r"image: (\S+)", TEXT))) == 1


def test_it_says_that_it_is_unproven():
    """Whoever copies it reads first that nobody has run it."""
    assert "Unproven" in TEXT.partition("apiVersion")[0]
