"""The systemd service: its files, and how they are installed and removed."""
