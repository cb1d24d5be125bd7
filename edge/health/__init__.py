"""How the process is doing: timings, memory, temperature, and word to systemd."""
