"""Device models with ground truth, and the encoders of their payloads."""
