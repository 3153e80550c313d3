"""Calibration: what lensload reports, held against a truth that is known without it.

Every test here puts rows into one table (`table.Table`), which pytest prints as Markdown at the end; `make calibration`
runs these alone, ten rounds where a round is a try, and docs/accuracy.md shows what came out.
"""
