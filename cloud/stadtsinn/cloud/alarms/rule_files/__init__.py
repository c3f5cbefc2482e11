"""Rules as files under version control: read, compared with the town's, and brought into it."""
