"""What the device publishes, as messages of ROS 2 after REP-155 (ROS4HRI), without ROS on the device."""
