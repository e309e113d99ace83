"""Scores and what stands beside them: levels, changes, silence, and money kept."""
