"""From what was recorded to a verdict on the release: suspects, causes, conclusion. All pure."""
