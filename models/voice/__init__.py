"""Emotion in the voice from a log-mel spectrogram (RAVDESS, CREMA-D, EMO-DB)."""
