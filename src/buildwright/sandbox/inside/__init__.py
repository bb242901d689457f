"""Programs that run beside or inside the box, by a bare interpreter; standard library only."""
