"""Training and evaluation of the fusion of the senses."""
