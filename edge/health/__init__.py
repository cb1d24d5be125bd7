"""Health of the process: counters, gauges and histograms, memory and temperature, messages to systemd."""
