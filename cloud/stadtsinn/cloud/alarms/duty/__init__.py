"""Who is on duty: groups of recipients, their shifts, stand-ins and quiet hours."""
