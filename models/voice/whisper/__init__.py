"""Whisper's speech encoder, cut after its first layers, as start of the large voice model and as teacher."""
