"""The audit chain: events are sealed behind those who write them, and can be verified to be what they were."""
