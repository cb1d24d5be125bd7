"""From the senses' observations to estimates: one state per person and one for the scene."""
