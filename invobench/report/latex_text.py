"""Text as LaTeX source: plain ASCII that pdflatex sets as it was meant, whatever was in the text."""

from __future__ import annotations

import re
import unicodedata

#: characters with a meaning of their own in LaTeX, and those that its default font has in another place
_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"\char34{}",
    # after \\, these would be its arguments
    "*": "{*}",
    "[": "{[}",
}
_TEXT = {
    "\u00a0": "~",
    "\u2009": r"\,",
    "\u202f": r"\,",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\dots{}",
    "°": r"\textdegree{}",
    "‰": r"\textperthousand{}",
    "§": r"\S{}",
    "†": r"\dag{}",
    "‡": r"\ddag{}",
    "•": r"\textbullet{}",
    "€": r"\texteuro{}",
    "©": r"\copyright{}",
    "®": r"\textregistered{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "⁄": "/",
}
_MATHS = {
    "×": r"\times",
    "·": r"\cdot",
    "⋅": r"\cdot",
    "±": r"\pm",
    "−": "-",
    "÷": r"\div",
    "≤": r"\leq",
    "≥": r"\geq",
    "≠": r"\neq",
    "≈": r"\approx",
    "≡": r"\equiv",
    "∞": r"\infty",
    "√": r"\surd",
    "∑": r"\sum",
    "∏": r"\prod",
    "∈": r"\in",
    "⌈": r"\lceil",
    "⌉": r"\rceil",
    "⌊": r"\lfloor",
    "⌋": r"\rfloor",
    "←": r"\leftarrow",
    "→": r"\rightarrow",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow",
    "✓": r"\surd",
    "✗": r"\times",
    "∂": r"\partial",
    "∆": r"\Delta",
    "µ": r"\mu",
    "│": r"\vert",
    "●": r"\bullet",
    "○": r"\circ",
}
_GREEK = (
    "Γ Δ Θ Λ Ξ Π Σ Φ Ψ Ω α β γ δ ε ζ η θ ι κ λ μ ν ξ π ρ σ τ φ χ ψ ω",
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega alpha beta gamma delta varepsilon zeta eta theta iota kappa "
    "lambda mu nu xi pi rho sigma tau varphi chi psi omega",
)
_MATHS |= {letter: rf"\{name}" for letter, name in zip(*(part.split() for part in _GREEK), strict=True)}
_KNOWN = {**_ASCII, **_TEXT, **{character: f"${command}$" for character, command in _MATHS.items()}}
#: combining mark -> the accent that LaTeX sets over or under a letter
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
_SHIFTED = {"<super>": r"\textsuperscript", "<sub>": r"\textsubscript"}
#: two hyphens would become a dash, two quotes one
_PAIRS = re.compile("-(?=-)|'(?=')")


def escape(text: str) -> str:
    """`text` as LaTeX source in ASCII, on one line.

    What LaTeX has no command for is written as its code point, `U+540D`, so that the document compiles and says so.
    """
    return _PAIRS.sub(r"\g<0>{}", "".join(map(_character, text)))


def _character(character: str) -> str:
    if character in _KNOWN:
        return _KNOWN[character]
    if " " <= character <= "~":
        return character
    if character.isspace():
        return " "
    return _decomposed(character) or rf"\texttt{{U+{ord(character):04X}}}"


def _decomposed(character: str) -> str:
    """A raised, lowered or accented character by its parts, empty where LaTeX does not know them."""
    kind, *codes = unicodedata.decomposition(character).split() or [""]
    if kind.startswith("<"):
        parts = "".join(_character(chr(int(code, 16))) for code in codes)
        return f"{_SHIFTED[kind]}{{{parts}}}" if kind in _SHIFTED else parts
    if not kind:
        return ""
    base, *marks = (chr(int(code, 16)) for code in (kind, *codes))
    accents = [_ACCENTS[mark] for mark in marks if mark in _ACCENTS]
    return rf"\{accents[0]}{{{base}}}" if len(accents) == len(marks) == 1 and base.isascii() else ""
