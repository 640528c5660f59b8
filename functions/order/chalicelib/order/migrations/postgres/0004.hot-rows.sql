-- Stock changes with every order: its rows keep room to change in place, and no index holds what changes.
-- The "C" collation lets the keys themselves answer what begins with a text.
DROP INDEX stock_changed, stock_by_sku_text, orders_number;
ALTER TABLE stock ALTER COLUMN sku TYPE text COLLATE "C";
ALTER TABLE stock SET (fillfactor = 70);
ALTER TABLE orders ALTER COLUMN number TYPE text COLLATE "C";
CREATE UNIQUE INDEX orders_number ON orders (number);
