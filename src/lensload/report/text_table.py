"""Rows of cells as aligned lines of text."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], columns: str = "<>", gap: str = "  ") -> list[str]:
    """Rows as lines in which each column is as wide as its widest cell.

    Args:
        rows: of cells, all of one length.
        columns: "<" or ">" for each column, to the left or to the right; the last is for all that follow too.
        gap: between columns.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    columns = columns.ljust(len(widths), columns[-1])
    return [
        gap.join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, columns, widths, strict=False)
        ).rstrip()
        for row in rows
    ]
