-- Customers' carts as they were opened, so that any device finds them at once; one stands under each name.
-- `previous` is the cart that had the name before: what is saved for later in it goes into this one.
CREATE TABLE customers_carts (
    cart_id     uuid PRIMARY KEY,
    customer_id text NOT NULL,
    market      text NOT NULL,
    name        text,
    previous    uuid,
    opened_at   timestamptz NOT NULL,
    UNIQUE (customer_id, market, name)
);
