"""Facial expression recognition from a 48×48 grey face (FER2013)."""
