"""Lifetime value: what a customer of each score group brings, and what makes the difference."""
