"""The one place that runs foreign code, and the verdict on it."""
