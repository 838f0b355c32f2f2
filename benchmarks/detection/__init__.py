"""How well buildings are found: data sets at one ground resolution, methods, scores, and the page that says them."""
