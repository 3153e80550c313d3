"""The real observer."""

import runpy

runpy.run_module("lensload.observatory", run_name="__main__", alter_sys=False)
