"""Famous numbers about customer experience, and whether they hold on the data at hand."""
