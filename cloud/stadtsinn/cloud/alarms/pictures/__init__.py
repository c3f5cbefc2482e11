"""Pictures of what rules judged, for mails."""
