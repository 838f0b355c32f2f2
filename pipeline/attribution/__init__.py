"""Whose and where: in which county, at which stake, near what and with what permit a footprint lies."""
