"""Speech emotion recognition from log-mel and pitch features (RAVDESS, CREMA-D, EMO-DB)."""
