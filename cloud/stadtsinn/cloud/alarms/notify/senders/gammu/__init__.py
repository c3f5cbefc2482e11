"""A modem of our own: gammu-smsd sends what stands in its table `outbox`, writes what became of it
into `sentitems`, and what somebody answers into `inbox`."""
