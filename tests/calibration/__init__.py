"""Calibration: what lensload reports, compared with a truth that is known without it.

Every test here puts rows into one table (`table.Table`), which pytest prints as Markdown at the end; `make calibration`
runs these alone. docs/accuracy.md shows the rows of CALIBRATION_ROUNDS=5.
"""
