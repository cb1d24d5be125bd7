"""A small voice network on spectrogram and functionals with the speaker's baseline, taught by Whisper. None ships."""
