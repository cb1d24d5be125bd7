"""Transport over MQTT: address, connection and embedded broker. It knows nothing of emotions."""
