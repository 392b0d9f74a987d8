"""Programs that operate the platform: diagnose, ask, generate, optimise."""
