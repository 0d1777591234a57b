"""The parts, one by one."""
