"""What a user can ask for, shared by all doors."""
