"""It listens: numbers for Prometheus. Nobody below `app` knows it."""
