"""Sources of data: cameras, microphones, media files and transcripts."""
