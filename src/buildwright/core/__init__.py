"""The nouns every part of Buildwright shares; it imports no other part."""
