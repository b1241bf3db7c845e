"""What this repository's own tests and suites share."""
