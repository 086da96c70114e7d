"""The plan: a small intermediate representation between a genotype and a network, and its passes. No torch here."""
