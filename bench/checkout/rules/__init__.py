"""What must hold of a history, a module for each subject; the checker applies all of it."""
