"""Architectures, and how published weights are read into them."""
