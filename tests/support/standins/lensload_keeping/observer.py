"""The real observer."""

import runpy

runpy.run_module("lensload.observer.process", run_name="__main__", alter_sys=False)
