"""A province of any size, without pixels: what planning, resuming and streaming cost as the road gets longer."""
