"""What is wrong on the ground: detectors behind one register, each a frozen callable from a view to candidates."""
