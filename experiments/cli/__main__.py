"""``python -m experiments.cli`` is the same as the console script ``evolve``."""

from experiments.cli import main

if __name__ == "__main__":
    main()
