"""Old days of the log in Parquet files."""
