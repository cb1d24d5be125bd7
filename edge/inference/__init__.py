"""One interpreter over LiteRT or tflite-runtime, and the cards that say what a model file is."""
