"""Speed, parity and memory, measured side by side; results are kept as JSON."""
