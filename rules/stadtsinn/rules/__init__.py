"""The engine of rules: values and times in, verdicts and effects out. No clock, no database."""
