"""The log as the API shows it: table and archive as one."""
