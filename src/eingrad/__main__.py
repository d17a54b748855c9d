"""``python -m eingrad`` is the command line."""

from eingrad.cli import main

if __name__ == "__main__":
    main()
