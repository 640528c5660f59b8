-- What is kept of goods is looked for by SKU, and compared with stock's own: under another collation no index would help.
ALTER TABLE reservations ALTER COLUMN sku TYPE text COLLATE "C";
ALTER TABLE stock_ledger ALTER COLUMN sku TYPE text COLLATE "C";
-- What is due is looked for by an expression: an index on the column itself would be taken for the other question too,
-- and then a thousand orders that ran out at once slow down every new one.
DROP INDEX reservations_due, holds_due;
CREATE INDEX reservations_due ON reservations ((held_until AT TIME ZONE 'UTC')) WHERE state = 'held';
CREATE INDEX holds_due ON holds ((held_until AT TIME ZONE 'UTC')) WHERE state = 'held';
