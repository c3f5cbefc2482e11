"""What a rule would have done: judged over the stored history by the engine that judges live."""
