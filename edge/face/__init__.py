"""The face sense: frames in, observations out."""
