"""What better retention is worth, and whether a programme for it pays."""
