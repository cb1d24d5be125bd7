"""Measurements beyond the standard score: `python -m` each."""
