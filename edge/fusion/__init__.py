"""From the senses' observations to one estimate."""
