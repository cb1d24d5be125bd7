"""Text output for people: the live view, the summary of a recording and standard output."""
