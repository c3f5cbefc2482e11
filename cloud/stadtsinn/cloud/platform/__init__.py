"""The base of all packages of the cloud: database, tenants, access, what endpoints share."""
