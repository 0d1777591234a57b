"""What a fit promises, whatever it is given."""
