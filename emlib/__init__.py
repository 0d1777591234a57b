"""EM with its gradient, its rate and its missing information."""

__version__ = "0.1.0"
