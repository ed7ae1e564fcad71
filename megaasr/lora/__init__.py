"""Library for backends: reading LoRA folders, and mounting LoRA adapters on a torch network."""
