"""Edge Emotion: what the person in front of a robot seems to feel, published over MQTT."""

__version__ = "0.1.0"
