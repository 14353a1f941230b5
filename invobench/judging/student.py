"""Student's t, for intervals of few processes."""

from __future__ import annotations

#: the 97.5 % point of the normal distribution
Z = 1.959964


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t with `freedom` (at least 3) degrees of freedom, not necessarily whole.

    By its expansion about the normal one (Abramowitz and Stegun 26.7.5): off by 0.1 % at 4 degrees.
    """
    z, n = Z, freedom
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / n**power for power, term in enumerate(terms, start=1))
