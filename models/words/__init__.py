"""Emotion in words from hashed n-grams (GoEmotions, EmoryNLP, SemEval-2025)."""
