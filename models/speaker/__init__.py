"""Training of the speaker attribution, and composed scenes of several people to train and measure it on."""
