"""Customers without a contract: models of how often they buy, for how much, and for how long."""
