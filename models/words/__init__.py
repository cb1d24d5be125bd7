"""Emotion recognition from text (GoEmotions, EmoryNLP, SemEval-2025)."""
