"""Network architectures of the voice model and of the pitch estimator for training."""
