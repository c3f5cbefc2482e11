"""What all endpoints share: errors, kinds of input, pages."""
