"""What is done with plugins: plan, render, transcribe, score by a composed reward."""
