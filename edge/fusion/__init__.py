"""Fuses the senses' observations into estimates, with one state per person and one for the scene."""
