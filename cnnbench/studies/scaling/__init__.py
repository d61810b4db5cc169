"""What a network costs when it grows, and which variant fits a device."""
