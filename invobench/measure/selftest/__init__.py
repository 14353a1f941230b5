"""How good the measuring is, by measuring what is known: a ladder of exact work ratios, and other tools' numbers."""
