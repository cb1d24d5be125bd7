"""Whose voice it is: the synchrony of mouths and sound."""
