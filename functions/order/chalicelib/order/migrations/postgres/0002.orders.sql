-- Quotes, decisions on submissions (an order id is claimed there for ever) and orders with all that belongs to them.

CREATE TABLE quotes (
    id         uuid PRIMARY KEY,
    bill       jsonb NOT NULL,
    recipient  jsonb NOT NULL, -- personal
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX quotes_age ON quotes (expires_at);

CREATE TABLE decisions (
    order_id    uuid PRIMARY KEY,
    cart_id     text NOT NULL,
    attempt     integer NOT NULL,
    customer_id text,
    reasons     jsonb, -- of a rejection; null for an order that was placed
    quote_id    uuid,  -- the new quote that a rejection offers
    decided_at  timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE order_numbers START 100001;

CREATE TABLE orders (
    id               uuid PRIMARY KEY REFERENCES decisions,
    number           text NOT NULL DEFAULT 'S-' || nextval('order_numbers'),
    status           text NOT NULL,
    cause            text,
    cart_id          text NOT NULL,
    attempt          integer NOT NULL,
    market           text NOT NULL,
    customer_id      text,
    quote_id         uuid,
    shipping_method  text NOT NULL,
    snapshot_hash    text NOT NULL,
    currency         char(3) NOT NULL,
    goods            bigint NOT NULL,
    shipping         bigint NOT NULL,
    tax              bigint NOT NULL,
    total            bigint NOT NULL,
    tax_included     boolean NOT NULL,
    contact          jsonb, -- personal, as are the addresses
    shipping_address jsonb,
    billing_address  jsonb,
    placed_at        timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    version          bigint NOT NULL,
    CONSTRAINT orders_status CHECK (status IN ('placed', 'paid', 'fulfilled', 'delivered', 'cancelled')),
    CONSTRAINT orders_sum CHECK (total = goods + shipping + CASE WHEN tax_included THEN 0 ELSE tax END)
);
CREATE UNIQUE INDEX orders_number ON orders (number text_pattern_ops);
CREATE INDEX orders_newest ON orders (placed_at DESC, id DESC);
CREATE INDEX orders_of_customer ON orders (customer_id, placed_at DESC, id DESC);
CREATE INDEX orders_by_status ON orders (status, placed_at DESC, id DESC);

CREATE TABLE order_lines (
    order_id   uuid NOT NULL REFERENCES orders,
    position   integer NOT NULL,
    sku        text NOT NULL,
    product_id text NOT NULL,
    title      text NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_price bigint NOT NULL,
    total      bigint NOT NULL,
    tax        bigint NOT NULL,
    shipped    integer NOT NULL DEFAULT 0,
    PRIMARY KEY (order_id, sku),
    CONSTRAINT order_lines_sum CHECK (total = unit_price * quantity),
    CONSTRAINT order_lines_shipped CHECK (shipped BETWEEN 0 AND quantity)
);

CREATE TABLE reservations (
    order_id   uuid NOT NULL REFERENCES orders,
    sku        text NOT NULL,
    location   text NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    state      text NOT NULL CHECK (state IN ('held', 'committed', 'shipped', 'released', 'expired')),
    held_until timestamptz NOT NULL,
    PRIMARY KEY (order_id, sku, location),
    FOREIGN KEY (sku, location) REFERENCES stock
);
CREATE INDEX reservations_held ON reservations (sku, location, held_until) WHERE state = 'held';
CREATE INDEX reservations_due ON reservations (held_until) WHERE state = 'held';

CREATE TABLE shipments (
    id           uuid PRIMARY KEY,
    order_id     uuid NOT NULL REFERENCES orders,
    carrier      text NOT NULL,
    tracking     text NOT NULL,
    parcels      jsonb NOT NULL,
    shipped_at   timestamptz NOT NULL,
    delivered_at timestamptz
);
CREATE INDEX shipments_of_order ON shipments (order_id, shipped_at, id);

CREATE TABLE payments (
    id        uuid PRIMARY KEY,
    order_id  uuid NOT NULL REFERENCES orders,
    method    text NOT NULL,
    reference text NOT NULL,
    amount    bigint NOT NULL,
    currency  char(3) NOT NULL,
    paid_at   timestamptz NOT NULL
);
CREATE INDEX payments_of_order ON payments (order_id, paid_at, id);

CREATE TABLE timeline (
    order_id uuid NOT NULL REFERENCES orders,
    position integer NOT NULL,
    at       timestamptz NOT NULL,
    what     text NOT NULL,
    by       text NOT NULL,
    PRIMARY KEY (order_id, position)
);
