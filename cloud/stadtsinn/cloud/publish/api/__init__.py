"""The API as a whole: its document, its reference page, what surrounds every request."""
