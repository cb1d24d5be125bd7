"""The shipped models: for each its file, card, architecture, training and evaluation."""
