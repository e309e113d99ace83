"""Survey answers and staying: the bias ladder, weights, and what could still be wrong."""
