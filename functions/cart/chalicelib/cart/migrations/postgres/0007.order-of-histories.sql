-- Histories of Redis in their order: one that carries on another has a greater number. A cart is not compared any more
-- with a server whose heir it was compared with.
CREATE TABLE histories (
    history text PRIMARY KEY,
    number  bigint GENERATED ALWAYS AS IDENTITY
);
UPDATE carts SET history = NULL WHERE history IS NOT NULL;
