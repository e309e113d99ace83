"""Why customers left, as it was recorded."""
