"""luyu (路域): watch the land along highways from satellites.

The package is a house of rooms; ARCHITECTURE.md says what each is for and which way imports run.
"""

__version__ = "0.1.0"
