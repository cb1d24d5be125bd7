"""The voice sense: sound in, observations out."""
