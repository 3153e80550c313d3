"""The real generator."""

import runpy

runpy.run_module("lensload.generator.process", run_name="__main__", alter_sys=False)
