"""Parts of the training of the voice model: augmentation, noise, heads and losses, and export."""
