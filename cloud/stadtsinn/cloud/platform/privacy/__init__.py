"""What each table holds, whose it is and how long it is kept: said beside its columns."""
