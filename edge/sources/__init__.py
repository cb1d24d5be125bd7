"""Where signals come from: cameras, microphones, media files, transcripts."""
