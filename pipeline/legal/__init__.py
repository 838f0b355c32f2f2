"""Where the law draws lines along a road, and on which side of them a footprint lies."""
