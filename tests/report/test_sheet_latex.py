"""LaTeX: what is written for each character, the parts of a table, and that it compiles."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invobench.report import REPORTS, SHEETS, Page
from invobench.report.latex_text import _KNOWN, escape
from invobench.report.sheet import Column, Line, Sheet
from tests.report import sheets
from tests.report.latex import compiled
from tests.report.samples import rows
from tests.rows import run


def render(*items: Sheet) -> str:
    text = SHEETS["latex"].load()(items, Page())
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain text, 1.5 (a+b)=c/d;:!?@", "plain text, 1.5 (a+b)=c/d;:!?@"),
        ("kernel_size=7", r"kernel\_size=7"),
        ("35 %", r"35 \%"),
        ("a & b # {c} $", r"a \& b \# \{c\} \$"),
        ("^~\\", r"\textasciicircum{}\textasciitilde{}\textbackslash{}"),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
        ("*[x]", r"{*}{[}x]"),
        ("--resume ---", r"-{}-resume -{}-{}-"),
        ("a-b", "a-b"),
        ("median's ''", "median's '{}'"),
        ("HW·K²·Cᵢ·Cₒ", r"HW$\cdot$K\textsuperscript{2}$\cdot$C\textsubscript{i}$\cdot$C\textsubscript{o}"),
        ("x¹²", r"x\textsuperscript{1}\textsuperscript{2}"),
        ("12 ± 1 µs ≈ ≤", r"12 $\pm$ 1 $\mu$s $\approx$ $\leq$"),
        ("↓ ↑ Δ ×", r"$\downarrow$ $\uparrow$ $\Delta$ $\times$"),
        ("é ç ů ñ", r"\'{e} \c{c} \r{u} \~{n}"),
        ("名", r"\texttt{U+540D}"),
        ("ế", r"\texttt{U+1EBF}"),
        ("\x1b", r"\texttt{U+001B}"),
        ("a\nb\tc", "a b c"),
        ("–—", r"\textendash{}\textemdash{}"),
        ("½", "1/2"),
        ("", ""),
    ],
)
def test_escape(text: str, written: str) -> None:
    assert escape(text) == written


@given(st.text())
def test_whatever_the_text_is_the_source_is_printable_ascii_on_one_line(text: str) -> None:
    written = escape(text)
    assert written.isascii()
    assert written.isprintable()
    assert written.count("{") - written.count(r"\{") == written.count("}") - written.count(r"\}")


def test_the_parts_of_a_table() -> None:
    lines = render(sheets.TERMS).splitlines()
    assert lines[0].startswith("% needs ")
    assert r"\caption{involution7x7 $\cdot$ 100 \% of it}\medskip" in lines
    assert r"\begin{tabular}{@{}l>{\raggedright\arraybackslash}p{0.3\linewidth}rr@{}}" in lines
    rules = [line for line in lines if "rule" in line]
    assert rules == [r"\toprule", r"\midrule", r"\midrule", r"\bottomrule"]
    head = lines[lines.index(r"\toprule") + 1 :][:2]
    assert head == [r" &  & MACs &  \\", r"term & formula & formula & $\Delta$ \\"]
    assert r"\multicolumn{4}{@{}l@{}}{\textbf{reduce}} \\" in lines
    assert r"\textit{aggregate} & \textit{HWK\textsuperscript{2}C} & \textit{oom} &  \\" in lines
    assert r"\textbf{total} &  & \textbf{13.05 M} &  \\" in lines
    assert any(line.startswith(r"\noindent\parbox{\linewidth}{\footnotesize MACs are multiply-adds") for line in lines)


def test_nothing_below_a_table_without_notes() -> None:
    assert r"\parbox" not in render(sheets.PLAIN)


def test_long_names_are_broken_over_lines() -> None:
    sheet = Sheet("t", (Column("name", text=True),), (Line(("long " * 10,)),))
    assert r"p{0.3\linewidth}" in render(sheet)
    assert r"p{0.3\linewidth}" not in render(sheets.PLAIN)


def test_what_is_longer_than_a_page_goes_on_over_pages(tmp_path: Path) -> None:
    lines = tuple(Line((f"row {index}", "1")) for index in range(200))
    long = Sheet("long", sheets.PLAIN.columns, lines, notes=("a note",))
    text = render(long)
    assert r"\begin{table}" not in text
    assert text.count(r"model & params \\") == 2, "on the first page, and on the others"
    said = compiled(text, tmp_path)
    assert "Float too large" not in said
    assert "(4 pages" in said or "(3 pages" in said or "(5 pages" in said


def test_sheets_compile(tmp_path: Path) -> None:
    compiled(render(sheets.TERMS, sheets.PLAIN, sheets.EMPTY), tmp_path)


def test_a_run_compiles(tmp_path: Path) -> None:
    compiled(REPORTS["latex"].load()(run(), rows(), Page()), tmp_path)


def test_every_character_compiles(tmp_path: Path) -> None:
    """Each with a command of its own, the printable Latin letters, and some that have none, first in a cell."""
    characters = [*_KNOWN, *map(chr, range(0x20, 0x180)), *"⁰⁴⁹ᵢₒ₀₉ﬁ½名☃\u200b"]
    lines = tuple(Line((character, f"a{character}{character}b")) for character in characters[:40])
    notes = ("".join(characters), " ".join(characters), "\n".join(characters))
    sheet = Sheet("".join(characters), (Column("character", text=True), Column("twice")), lines, notes=notes)
    compiled(render(sheet), tmp_path)


def test_every_character_compiles_in_bold_and_first_in_a_row(tmp_path: Path) -> None:
    styles = ("plain", "strong", "bad", "dim")
    lines = tuple(Line((char, char), styles[index % 4]) for index, char in enumerate(_KNOWN))  # type: ignore[arg-type]
    columns = (Column("character", text=True), Column("again"))
    compiled(render(*(Sheet("t", columns, lines[first : first + 40]) for first in range(0, len(lines), 40))), tmp_path)
