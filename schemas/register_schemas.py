"""Register the five schemas of this folder: `cd schemas && python register_schemas.py`.

The address comes from --registry-url, LENSLOAD_REGISTRY_URL or SCHEMA_REGISTRY_URL; without any it is
http://localhost:8081. Everything else is `lensload schemas register`, to which this is a door.
"""

import sys
from pathlib import Path

try:
    from lensload.cli.main import main
except ModuleNotFoundError:
    sys.exit(
        "lensload is not installed for this Python. Say `make bench` or `pip install -e .` in the repository."
    )

if __name__ == "__main__":
    main(["schemas", "register", "--folder", str(Path(__file__).parent), *sys.argv[1:]])
