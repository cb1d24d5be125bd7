"""Measurements beyond the standard scores, and the folds that they use."""
