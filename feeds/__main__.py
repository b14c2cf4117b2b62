"""``python -m feeds``: the feeds as a process of their own, with the settings of the environment."""

import sys

from dashboard.cli import main

if __name__ == "__main__":
    sys.exit(main(["feeds", *sys.argv[1:]]))
