"""The real engine."""

import runpy

runpy.run_module("lensload.engine", run_name="__main__", alter_sys=False)
