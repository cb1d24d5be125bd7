"""The words sense: transcripts and spotted keywords in, observations out."""
