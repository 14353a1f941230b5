"""One thread for every test here."""

from tests.threads import one_thread  # noqa: F401
