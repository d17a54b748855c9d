"""``eingrad`` and ``python -m eingrad``: the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it still loads is Ctrl-C, too, and no traceback."""
    try:
        from eingrad.cli import main as run  # noqa: PLC0415  # what takes time to load

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
