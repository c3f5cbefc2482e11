"""What the installation publishes: the API as a whole and the public pages."""
