"""Inference with LiteRT or tflite-runtime, and the model cards that describe the model files."""
