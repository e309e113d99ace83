"""How often customers leave: regressions on counts, hazard ratios, and who is likely to leave."""
