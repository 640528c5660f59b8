-- Locations, of which orders take from the one of the lowest rank first; what staff say of a row beside how much there is;
-- and reservations that know what was shipped of them and what was not there yet when they were made.
CREATE TABLE locations (
    code       text PRIMARY KEY,
    name       text NOT NULL,
    rank       integer NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO locations (code, name, rank) VALUES ('default', 'Default', 0);
INSERT INTO locations (code, name, rank)
SELECT location, location, row_number() OVER (ORDER BY location) FROM stock WHERE location <> 'default' GROUP BY location;

ALTER TABLE stock
    ADD COLUMN low_at      bigint CHECK (low_at >= 0), -- told of as low when no more than so many are left
    ADD COLUMN expected_on date,                       -- when more comes
    ADD COLUMN released_on date,                       -- before this day it is sold in advance
    ADD FOREIGN KEY (location) REFERENCES locations;

ALTER TABLE reservations
    ADD COLUMN shipped  integer NOT NULL DEFAULT 0,
    ADD COLUMN awaited  integer NOT NULL DEFAULT 0,
    ADD COLUMN due_on   date,
    ADD COLUMN preorder boolean NOT NULL DEFAULT false;
UPDATE reservations SET shipped = line.shipped
  FROM order_lines line
 WHERE line.order_id = reservations.order_id AND line.sku = reservations.sku AND line.shipped > 0;
ALTER TABLE reservations ADD CONSTRAINT reservations_shipped CHECK (shipped BETWEEN 0 AND quantity);
