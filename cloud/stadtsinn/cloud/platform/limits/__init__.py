"""What one tenant or key may have and ask for at most, so that the others never notice."""
