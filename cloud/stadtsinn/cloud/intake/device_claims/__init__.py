"""A town claims a device that another one has: its proof, the consent, the change of hands."""
