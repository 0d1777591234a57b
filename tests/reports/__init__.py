"""Data as people have them: what public reports and questions ask of such models, each with a neighbour."""
