"""Published architectures, written out in Keras 3 so that the converters bring them to the device."""
