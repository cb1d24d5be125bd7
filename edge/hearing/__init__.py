"""One stream of sound: resampled, cleaned, searched for speech and cut into utterances."""
