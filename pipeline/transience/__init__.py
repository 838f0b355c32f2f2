"""What comes and goes: the course of a place over many images, and the stretches of road where something recurs."""
