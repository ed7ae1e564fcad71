"""Training of adapters: supervised, in phases from sound to words (A2S-SFT)."""
