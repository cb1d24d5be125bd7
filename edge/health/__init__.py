"""How the process is doing: counters, gauges and histograms, memory and temperature, messages to systemd."""
