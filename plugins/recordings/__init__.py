"""How recordings are read: containers and their faults, decoding by libsndfile and PyAV, mixing, limits."""
