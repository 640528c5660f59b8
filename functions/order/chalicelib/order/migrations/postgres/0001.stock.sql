-- Stock per SKU and location, and the ledger of every movement: what is on hand always equals the ledger's sum.

CREATE TABLE stock (
    sku        text NOT NULL,
    location   text NOT NULL DEFAULT 'default',
    on_hand    bigint NOT NULL DEFAULT 0,
    reserved   bigint NOT NULL DEFAULT 0,
    backorder  bigint NOT NULL DEFAULT 0,
    version    bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sku, location),
    CONSTRAINT stock_on_hand_not_negative CHECK (on_hand >= 0),
    CONSTRAINT stock_backorder_not_negative CHECK (backorder >= 0),
    CONSTRAINT stock_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_not_oversold CHECK (reserved <= on_hand + backorder)
);
-- What resync asks for, and what the list is searched by.
CREATE INDEX stock_changed ON stock (changed_at);
CREATE INDEX stock_by_sku_text ON stock (sku text_pattern_ops, location);

CREATE TABLE stock_ledger (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku       text NOT NULL,
    location  text NOT NULL,
    on_hand   bigint NOT NULL DEFAULT 0, -- by how much each changed
    reserved  bigint NOT NULL DEFAULT 0,
    backorder bigint NOT NULL DEFAULT 0,
    why       text NOT NULL,
    order_id  uuid,
    note      text NOT NULL DEFAULT '',
    by        text NOT NULL DEFAULT '',
    at        timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (sku, location) REFERENCES stock
);
CREATE INDEX stock_ledger_by_row ON stock_ledger (sku, location, id DESC);
