"""The audit: who changed what, readable for the town itself."""
