"""Processes one stream of sound: resampling, cleaning, voice activity detection and segmentation into utterances."""
