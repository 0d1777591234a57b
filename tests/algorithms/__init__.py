"""Every algorithm on every problem."""
