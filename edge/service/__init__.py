"""The systemd service: its files, installation and removal."""
