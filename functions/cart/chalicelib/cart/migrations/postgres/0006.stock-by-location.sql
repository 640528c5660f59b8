-- Stock is told of per SKU and location, each under its own version; what can be had is the sum over the locations.
-- `ready` of it is there already; more comes on `expected_on`; before `released_on` all of it is sold in advance.
ALTER TABLE stock
    ADD COLUMN location    text NOT NULL DEFAULT 'default',
    ADD COLUMN ready       bigint,
    ADD COLUMN expected_on date,
    ADD COLUMN released_on date;
UPDATE stock SET ready = available;
ALTER TABLE stock ALTER COLUMN ready SET NOT NULL, DROP CONSTRAINT stock_pkey, ADD PRIMARY KEY (sku, location);
