"""The tree being built: confined writes, content-addressed snapshots, delivery as a whole."""
