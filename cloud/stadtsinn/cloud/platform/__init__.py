"""What every room of the cloud stands on: database, tenants, access, what endpoints share."""
