"""The main job: plan, tiles in parallel, join, place, settle, publish."""
