"""Training of the building network: what it learns from, how it is varied, what it is. See README.md in this folder."""
