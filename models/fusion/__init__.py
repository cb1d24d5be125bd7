"""Training and evaluation of the fusion."""
