"""The watering list as a mail to the crew: written once a day, with the list as files."""
