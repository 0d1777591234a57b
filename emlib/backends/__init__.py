"""Optional packages: each is imported in one file here and nowhere else."""
