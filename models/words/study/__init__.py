"""Studies that ship nothing: a comparison of common architectures, and dialogues with their context."""
