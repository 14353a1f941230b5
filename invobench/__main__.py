"""`python -m invobench` is the console script."""

from invobench.cli import main

if __name__ == "__main__":
    main()
