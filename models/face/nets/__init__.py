"""Network architectures, and loading of published weights into them."""
