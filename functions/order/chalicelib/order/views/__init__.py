"""What the doors of the order service answer with, a module for each subject."""
