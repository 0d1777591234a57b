"""Run a study: ``python -m embook.study NAME``."""

from embook.study.run import command

if __name__ == "__main__":
    command()
