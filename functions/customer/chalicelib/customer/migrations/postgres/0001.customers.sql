CREATE TABLE customers (
    id            uuid PRIMARY KEY,
    email         text NOT NULL,
    name          text NOT NULL,
    password_hash text NOT NULL,
    locale        text NOT NULL,
    market        text NOT NULL,
    status        text NOT NULL CHECK (status IN ('active', 'suspended')),
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
CREATE INDEX customers_newest ON customers (created_at DESC, id DESC);
-- Staff search by the beginning of an address or of a name.
CREATE INDEX customers_email_prefix ON customers (lower(email) text_pattern_ops);
CREATE INDEX customers_name_prefix ON customers (lower(name) text_pattern_ops);

CREATE TABLE addresses (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    recipient   text NOT NULL,
    street      text NOT NULL,
    extra       text NOT NULL,
    city        text NOT NULL,
    region      text NOT NULL,
    postal_code text NOT NULL,
    country     text NOT NULL,
    phone       text NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL
);
CREATE INDEX addresses_customer ON addresses (customer_id, created_at, id);
