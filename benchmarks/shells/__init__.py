"""What a KFP shell costs."""
