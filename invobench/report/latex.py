r"""`--format latex`: tables for people as booktabs fragments, to be `\input` where a paper wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from invobench.report import Page
from invobench.report.latex_text import escape
from invobench.report.sheet import Column, Line, Sheet

_NEEDS = r"% needs \usepackage{array,booktabs,graphicx,longtable,textcomp}"
#: a table that is wider than the text is shrunk to it, a narrow one is left as it is
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
#: lines that fit a page
_PAGE = 45
#: characters that the first column may have before its cells are broken over lines
_LONG = 40
_WRAPPED = r">{\raggedright\arraybackslash}p{0.3\linewidth}"
_STYLES: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "strong": r"\textbf{{{}}}".format,
    "bad": r"\textit{{{}}}".format,
    "dim": r"\textsl{{{}}}".format,
}


def render(sheets: Sequence[Sheet], page: Page) -> str:
    """Each sheet as a `table` environment, in ASCII, below a comment that names the packages.

    A sheet that is longer than a page is a `longtable`.
    """
    return "\n".join([_NEEDS, *(_table(sheet) for sheet in sheets)])


def _table(sheet: Sheet) -> str:
    """The sheet: title as caption, then the table, then legend and notes in small print."""
    below = [escape(text) for text in (sheet.legend, *sheet.notes) if text]
    small = (
        [r"\par\smallskip", rf"\noindent\parbox{{\linewidth}}{{\footnotesize {_BREAK.join(below)}}}"] if below else []
    )
    return "\n".join([*(_long if len(sheet.lines) > _PAGE else _float)(sheet, small), ""])


def _float(sheet: Sheet, small: Sequence[str]) -> Iterator[str]:
    """A table that floats, as wide as the text at most."""
    yield r"\begin{table}[htbp]"
    yield r"\centering\small"
    yield rf"\caption{{{escape(sheet.title)}}}\medskip"
    yield _FIT
    yield rf"\begin{{tabular}}{{@{{}}{_alignment(sheet)}@{{}}}}"
    yield from _head(sheet.columns)
    yield from _body(sheet)
    yield r"\bottomrule"
    yield r"\end{tabular}}"
    yield from small
    yield r"\end{table}"


def _long(sheet: Sheet, small: Sequence[str]) -> Iterator[str]:
    """A table that goes on over pages, its headings on each."""
    head = list(_head(sheet.columns))
    yield r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}"
    yield rf"\begin{{longtable}}{{@{{}}{_alignment(sheet)}@{{}}}}"
    yield rf"\caption{{{escape(sheet.title)}}}\\"
    yield from (*head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot")
    yield from _body(sheet)
    yield r"\end{longtable}"
    yield from small
    yield r"\endgroup"


_BREAK = "\\par\n"


def _alignment(sheet: Sheet) -> str:
    """A letter a column; figures are aligned right."""
    names = (line.cells[0] for line in sheet.lines if line.style != "heading")
    wraps = {0} if max(map(len, names), default=0) > _LONG else set()
    return "".join(
        _WRAPPED if index in wraps or column.wrap else "l" if column.text else "r"
        for index, column in enumerate(sheet.columns)
    )


def _head(columns: Sequence[Column]) -> Iterator[str]:
    """The headings between rules, aligned at their last lines."""
    yield r"\toprule"
    headings = [column.heading.split("\n") for column in columns]
    depth = max(map(len, headings))
    for level in range(depth):
        yield _row([escape(lines[level - depth]) if depth - level <= len(lines) else "" for lines in headings])
    yield r"\midrule"


def _body(sheet: Sheet) -> Iterator[str]:
    for index, line in enumerate(sheet.lines):
        if line.section and index:
            yield r"\midrule"
        yield _line(line)


def _line(line: Line) -> str:
    if line.style == "heading":
        return rf"\multicolumn{{{len(line.cells)}}}{{@{{}}l@{{}}}}{{\textbf{{{_indented(line.cells[0])}}}}} \\"
    return _row([_STYLES[line.style](_indented(cell)) if cell else "" for cell in line.cells])


def _indented(cell: str) -> str:
    """A cell whose leading blanks are kept."""
    text = cell.lstrip(" ")
    return "~" * (len(cell) - len(text)) + escape(text)


def _row(cells: Sequence[str]) -> str:
    return rf"{' & '.join(cells)} \\"
