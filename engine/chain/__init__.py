"""The audit chain: events are sealed behind those who write them, and anybody can verify that they are what they were."""
