"""Who owns which device, where it stands, and which gates make a zone."""
