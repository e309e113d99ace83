"""Retention beyond the data: models of renewal, their fit, and what they say is left."""
