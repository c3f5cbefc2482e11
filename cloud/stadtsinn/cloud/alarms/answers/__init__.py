"""What people say to an alarm, and what happens where nobody says anything."""
