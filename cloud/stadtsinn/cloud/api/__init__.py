"""What all endpoints share: errors, pagination, who is asking, the reference page."""
