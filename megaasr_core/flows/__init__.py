"""Second floor: what is done with plugins — plan and render, transcribe, evaluate, report."""
