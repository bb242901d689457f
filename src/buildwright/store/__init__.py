"""The truth: builds, stages and events in one database, each stage in one transaction."""
