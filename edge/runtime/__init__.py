"""Threads, supervision and the composition of sources, senses, fusion and outputs."""
