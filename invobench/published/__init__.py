"""Published tables: their figures as data, the networks that they name, and which convention reproduces them."""
