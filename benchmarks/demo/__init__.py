"""What the demo costs."""
