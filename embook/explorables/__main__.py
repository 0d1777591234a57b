"""Print an explorable's HTML: ``python -m embook.explorables same-slope``."""

from __future__ import annotations

import argparse

from embook.explorables import same_slope, three_arrows

KNOWN = {"same-slope": same_slope, "three-arrows": three_arrows}


def main(arguments: list[str] | None = None) -> None:
    """Print the HTML of the explorable that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m embook.explorables", description="Print an explorable's HTML."
    )
    parser.add_argument("name", choices=sorted(KNOWN))
    parser.add_argument("--id", help="HTML id, unique on its page; the name when not given")
    chosen = parser.parse_args(arguments)
    print(KNOWN[chosen.name](chosen.id or chosen.name).html)


if __name__ == "__main__":
    main()
