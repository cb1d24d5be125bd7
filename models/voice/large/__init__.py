"""The large voice model: Whisper's first layers, frozen, and a head that knows the speaker's baseline."""
