"""The face sense: detects faces in frames and classifies their expressions."""
