"""Every model against the contract that algorithms and diagnostics rely on."""
