"""Published numbers, with their provenance."""
