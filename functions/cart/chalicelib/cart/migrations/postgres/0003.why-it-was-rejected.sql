-- Why the order service turned a submission down, as it said it.
ALTER TABLE submissions ADD COLUMN rejection text;
