"""The MQTT contract: topics, payloads and schemas, and the client that publishes them."""
