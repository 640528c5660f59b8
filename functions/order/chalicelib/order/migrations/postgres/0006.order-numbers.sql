-- An order's number is derived from its id: nothing can be counted by it, and a slip of the pen is noticed. The same rule
-- as `model/number.py`, for the orders that are here, and for those that code of before this still adds.
CREATE FUNCTION order_number(order_id uuid, nth integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    WITH RECURSIVE signs (position, rest, said, summed) AS (
        SELECT 0, ('x' || encode(substr(sha256(convert_to(order_id || ':' || nth, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint,
               '', 0::bigint
         UNION ALL
        SELECT position + 1, rest / 23, said || substr('23456789CDFHJKLMNPRTWXY', mod(rest, 23)::integer + 1, 1),
               summed + (position + 2) * mod(rest, 23)
          FROM signs WHERE position < 9
    ), finished AS (
        SELECT said || substr('23456789CDFHJKLMNPRTWXY', mod(23 - mod(summed, 23), 23)::integer + 1, 1) AS said
          FROM signs WHERE position = 9
    )
    SELECT 'S-' || substr(said, 1, 5) || '-' || substr(said, 6) FROM finished
$$;
ALTER TABLE orders ALTER COLUMN number SET DEFAULT order_number(gen_random_uuid(), 0);
UPDATE orders SET number = order_number(id, 0);
DROP SEQUENCE order_numbers;
