"""The shipped models: each one's file, card, architecture, training and evaluation."""
