-- Stock held for a quote, from the beginning of the checkout until its order is placed or its time is up.
CREATE TABLE holds (
    quote_id   uuid NOT NULL,
    sku        text COLLATE "C" NOT NULL,
    location   text NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    awaited    integer NOT NULL,
    due_on     date,
    preorder   boolean NOT NULL,
    state      text NOT NULL CHECK (state IN ('held', 'taken', 'released', 'expired')),
    held_until timestamptz NOT NULL,
    holder     text NOT NULL, -- a hash of where it was asked from, to count by
    PRIMARY KEY (quote_id, sku, location),
    FOREIGN KEY (sku, location) REFERENCES stock
);
CREATE INDEX holds_held ON holds (sku, location, held_until) WHERE state = 'held';
CREATE INDEX holds_due ON holds (held_until) WHERE state = 'held';
CREATE INDEX holds_of_holder ON holds (holder, held_until) WHERE state = 'held';
CREATE INDEX holds_age ON holds (held_until) WHERE state <> 'held';
ALTER TABLE stock_ledger ADD COLUMN quote_id uuid;
