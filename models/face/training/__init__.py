"""Parts of the training of the face model: data augmentation, targets, initial weights and teachers."""
