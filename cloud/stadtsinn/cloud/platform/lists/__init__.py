"""Lists that people bring as files: tables as spreadsheets write them, and their mistakes."""
