"""The HTML report: one file for one or more runs, without scripts, that opens without a network. It never judges."""

from lensload.report.html.page import render

__all__ = ["render"]
