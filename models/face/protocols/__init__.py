"""Measurements beyond the standard scores; each module is a program for `python -m`."""
