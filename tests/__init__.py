"""Every check that runs by `make test`; a package so that `tests.harness` has one name everywhere."""
