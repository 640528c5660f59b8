-- Vouchers and their uses, rates of tax by country, and what of them is in each order.

CREATE TABLE vouchers (
    code        text COLLATE "C" PRIMARY KEY,
    market      text NOT NULL,
    off         integer NOT NULL CHECK (off BETWEEN 1 AND 10000), -- hundredths of a per cent
    usage_limit bigint,
    used        bigint NOT NULL DEFAULT 0,
    minimum     jsonb, -- money
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    version     bigint NOT NULL DEFAULT 1,
    CONSTRAINT vouchers_used_not_negative CHECK (used >= 0),
    CONSTRAINT vouchers_not_overused CHECK (used <= usage_limit)
);
-- Used with every order: its rows keep room to change in place.
ALTER TABLE vouchers SET (fillfactor = 70);

CREATE TABLE voucher_uses (
    order_id uuid NOT NULL REFERENCES orders,
    code     text COLLATE "C" NOT NULL REFERENCES vouchers,
    off      integer NOT NULL,
    amount   bigint NOT NULL,
    state    text NOT NULL DEFAULT 'used' CHECK (state IN ('used', 'released', 'returned')),
    PRIMARY KEY (order_id, code)
);
CREATE INDEX voucher_uses_released ON voucher_uses (code) WHERE state = 'released';

CREATE TABLE tax_rates (
    country    char(2) PRIMARY KEY,
    standard   integer NOT NULL CHECK (standard BETWEEN 0 AND 10000), -- hundredths of a per cent
    reduced    integer NOT NULL CHECK (reduced BETWEEN 0 AND 10000),
    version    bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tax_rates (country, standard, reduced)
VALUES ('AT', 2000, 1000), ('CA', 500, 0), ('DE', 1900, 700), ('ES', 2100, 1000), ('FR', 2000, 550),
       ('GB', 2000, 500), ('IE', 2300, 1350), ('IT', 2200, 1000), ('NL', 2100, 900), ('US', 800, 200);

ALTER TABLE orders ADD COLUMN discount bigint NOT NULL DEFAULT 0, ADD COLUMN shipping_tax bigint NOT NULL DEFAULT 0;
ALTER TABLE orders DROP CONSTRAINT orders_sum;
ALTER TABLE orders ADD CONSTRAINT orders_sum
    CHECK (total = goods - discount + shipping + CASE WHEN tax_included THEN 0 ELSE tax END);
-- A quote is good for one order; where it was taken twice before that was so, the first one keeps it.
UPDATE orders SET quote_id = NULL
  FROM orders earlier
 WHERE earlier.quote_id = orders.quote_id AND (earlier.placed_at, earlier.id) < (orders.placed_at, orders.id);
CREATE UNIQUE INDEX orders_quote ON orders (quote_id);

ALTER TABLE order_lines
    ADD COLUMN discount bigint NOT NULL DEFAULT 0,
    ADD COLUMN tax_class text NOT NULL DEFAULT 'standard',
    ADD COLUMN tax_rate integer NOT NULL DEFAULT 0;
ALTER TABLE order_lines ADD CONSTRAINT order_lines_discount CHECK (discount BETWEEN 0 AND total);
-- Until now there was one rate, and all went to one country.
UPDATE order_lines SET tax_rate = 800 WHERE tax > 0;
UPDATE orders
   SET shipping_tax = tax - (SELECT sum(line.tax) FROM order_lines line WHERE line.order_id = orders.id)
 WHERE shipping > 0;
