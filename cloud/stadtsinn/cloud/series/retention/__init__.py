"""Values that their datastream keeps no longer: readers do not see them, a worker deletes them."""
