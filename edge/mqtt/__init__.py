"""Transport over MQTT: broker address, connection and embedded broker. It does not depend on what is published."""
