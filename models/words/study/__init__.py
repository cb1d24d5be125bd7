"""Studies that ship nothing: the usual architectures side by side, and dialogues with their context."""
