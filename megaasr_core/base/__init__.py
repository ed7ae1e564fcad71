"""Ground floor: what every other storey uses and what itself imports nothing of the project."""
