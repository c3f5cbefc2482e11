"""What people and programs see: the API as a whole and the public pages."""
