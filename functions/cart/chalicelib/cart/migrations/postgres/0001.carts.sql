-- Carts as they were last kept here. Redis holds the live ones; a row is never replaced by an older version.
-- `history` is the replication id of the Redis under which the cart was last compared with this row: a connection to a
-- server of another history can't have its changes acknowledged here any more.
CREATE TABLE carts (
    id          uuid PRIMARY KEY,
    version     bigint NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'frozen', 'closed', 'merged')),
    customer_id text,
    body        text NOT NULL,
    history     text,
    changed_at  timestamptz NOT NULL
);

-- What was submitted. The first row under an order id stands: a retry, or a late commit after it was given up, finds it.
CREATE TABLE submissions (
    order_id     uuid PRIMARY KEY,
    cart_id      uuid NOT NULL,
    attempt      integer NOT NULL CHECK (attempt > 0),
    state        text NOT NULL CHECK (state IN ('open', 'placed', 'rejected', 'abandoned')),
    submission   text NOT NULL,
    submitted_at timestamptz NOT NULL,
    asked_at     timestamptz NOT NULL,
    settled_at   timestamptz,
    UNIQUE (cart_id, attempt)
);
CREATE UNIQUE INDEX one_open_submission ON submissions (cart_id) WHERE state = 'open';
CREATE INDEX open_submissions ON submissions (asked_at) WHERE state = 'open';

-- Replica of products, fed by events: one row per product decides which event is newer; its SKUs follow it.
CREATE TABLE products (
    id      uuid PRIMARY KEY,
    version bigint NOT NULL,
    state   text NOT NULL CHECK (state IN ('published', 'withdrawn'))
);
CREATE TABLE skus (
    sku           text NOT NULL,
    product_id    uuid NOT NULL,
    version       bigint NOT NULL,
    published     boolean NOT NULL,
    title         text NOT NULL,
    product_title text NOT NULL,
    slug          text NOT NULL,
    image         text,
    attributes    text NOT NULL,
    prices        text NOT NULL,
    PRIMARY KEY (sku, product_id)
);
CREATE INDEX skus_of_product ON skus (product_id);

CREATE TABLE stock (
    sku       text PRIMARY KEY,
    version   bigint NOT NULL,
    available bigint NOT NULL
);
