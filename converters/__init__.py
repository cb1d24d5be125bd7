"""Trained models to TFLite that is measured against its source."""
