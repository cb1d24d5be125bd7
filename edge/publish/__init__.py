"""The MQTT contract: topics, payloads, client, embedded broker."""
