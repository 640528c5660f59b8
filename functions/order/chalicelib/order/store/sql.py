"""The statements about orders; each is one round trip, however many lines or orders it is about."""

from souk.plans import Planned

CLAIM = Planned("""
    WITH claimed AS (
        INSERT INTO decisions (order_id, cart_id, attempt, customer_id)
        VALUES (%(order_id)s, %(cart_id)s, %(attempt)s, %(customer_id)s)
        ON CONFLICT DO NOTHING
        RETURNING decided_at
    ), heard AS (
        INSERT INTO event_claims (consumer, event_id) VALUES (%(consumer)s, %(event_id)s)
        ON CONFLICT DO NOTHING
        RETURNING event_id
    )
    SELECT (SELECT decided_at FROM claimed) AS at, EXISTS (SELECT FROM heard) AS fresh
""")
CLAIM_PAST = """
    INSERT INTO decisions (order_id, cart_id, attempt, customer_id, decided_at)
    SELECT (o->>'id')::uuid, o->>'cart_id', (o->>'attempt')::int, o->>'customer_id', (o->>'placed_at')::timestamptz
      FROM jsonb_array_elements(%(orders)s::jsonb) AS given (o)
     ORDER BY 1
    ON CONFLICT DO NOTHING
    RETURNING order_id
"""
ORDERS = "orders"  # the channel on which it is said which order was decided or changed
RING = f"NOTIFY {ORDERS}, %(order_id)s"
REJECT = "UPDATE decisions SET reasons = %(reasons)s, quote_id = %(quote_id)s WHERE order_id = %(order_id)s"
ADD_ORDERS = Planned("""
    WITH given AS (
        SELECT (o->>'id')::uuid AS order_id, o FROM jsonb_array_elements(%(orders)s::jsonb) AS given (o)
    ), placed AS (
        INSERT INTO orders (
            id, number, status, cart_id, attempt, market, customer_id, quote_id, shipping_method, snapshot_hash,
            currency, goods, discount, shipping, shipping_tax, tax, total, tax_included,
            contact, shipping_address, billing_address, placed_at, changed_at, version
        )
        SELECT order_id, o->>'number', o->>'status', o->>'cart_id', (o->>'attempt')::int, o->>'market', o->>'customer_id',
               (o->>'quote_id')::uuid, o->>'shipping_method', o->>'snapshot_hash',
               o#>>'{totals,total,currency}', (o#>>'{totals,goods,amount}')::bigint,
               (o#>>'{totals,discount,amount}')::bigint, (o#>>'{totals,shipping,amount}')::bigint,
               (o#>>'{totals,shipping_tax,amount}')::bigint, (o#>>'{totals,tax,amount}')::bigint,
               (o#>>'{totals,total,amount}')::bigint, (o#>>'{totals,tax_included}')::boolean,
               NULLIF(o->'contact', 'null'), NULLIF(o->'shipping_address', 'null'), NULLIF(o->'billing_address', 'null'),
               (o->>'placed_at')::timestamptz, (o->>'changed_at')::timestamptz, (o->>'version')::bigint
          FROM given
    ), added_lines AS (
        INSERT INTO order_lines (
            order_id, position, sku, product_id, title, quantity, unit_price, total, discount, tax_class, tax_rate, tax,
            shipped
        )
        SELECT order_id, position, l->>'sku', l->>'product_id', l->>'title', (l->>'quantity')::int,
               (l#>>'{unit_price,amount}')::bigint, (l#>>'{total,amount}')::bigint, (l#>>'{discount,amount}')::bigint,
               l->>'tax_class', (l->>'tax_rate')::int, (l#>>'{tax,amount}')::bigint, (l->>'shipped')::int
          FROM given, jsonb_array_elements(o->'lines') WITH ORDINALITY AS line (l, position)
    ), added_reservations AS (
        INSERT INTO reservations (
            order_id, sku, location, quantity, state, held_until, shipped, awaited, due_on, preorder
        )
        SELECT order_id, r->>'sku', r->>'location', (r->>'quantity')::int, r->>'state', (r->>'held_until')::timestamptz,
               (r->>'shipped')::int, (r->>'awaited')::int, (r->>'due_on')::date, (r->>'preorder')::boolean
          FROM given, jsonb_array_elements(o->'reservations') AS reservation (r)
    ), added_uses AS (
        INSERT INTO voucher_uses (order_id, code, off, amount, state)
        SELECT order_id, v->>'code', (v->>'off')::int, (v#>>'{amount,amount}')::bigint, v->>'state'
          FROM given, jsonb_array_elements(o->'vouchers') AS used (v)
    )
    INSERT INTO timeline (order_id, position, at, what, by)
    SELECT order_id, position, (e->>'at')::timestamptz, e->>'what', e->>'by'
      FROM given, jsonb_array_elements(o->'timeline') WITH ORDINALITY AS entry (e, position)
""")
EXPIRE = Planned("""
    WITH wanted AS (
        SELECT DISTINCT * FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS wanted (sku, location)
    ), expired AS (
        UPDATE reservations SET state = 'expired'
          FROM wanted
         WHERE reservations.sku = wanted.sku AND reservations.location = wanted.location
           AND state = 'held' AND held_until < now()
     RETURNING reservations.*
    ), over AS (
        UPDATE holds SET state = CASE WHEN quote_id = %(quote_id)s::uuid THEN 'taken' ELSE 'expired' END
          FROM wanted
         WHERE holds.sku = wanted.sku AND holds.location = wanted.location
           AND state = 'held' AND (held_until < now() OR quote_id = %(quote_id)s::uuid)
     RETURNING holds.*
    ), ended AS (
        SELECT sku, location, quantity, 'expired' AS why, order_id, NULL::uuid AS quote_id FROM expired
         UNION ALL
        SELECT sku, location, quantity, CASE state WHEN 'taken' THEN 'released' ELSE 'expired' END, NULL, quote_id
          FROM over
    ), freed AS (
        UPDATE stock SET reserved = stock.reserved - gone.quantity, version = version + 1, changed_at = now()
          FROM (SELECT sku, location, sum(quantity) AS quantity FROM ended GROUP BY sku, location) gone
         WHERE stock.sku = gone.sku AND stock.location = gone.location
     RETURNING stock.*
    ), noted AS (
        INSERT INTO stock_ledger (sku, location, reserved, why, order_id, quote_id)
        SELECT sku, location, -quantity, why, order_id, quote_id FROM ended
    ), locked AS (
        SELECT id FROM orders
         WHERE id IN (SELECT order_id FROM expired) AND status = 'placed'
         ORDER BY id
           FOR NO KEY UPDATE
    ), cancelled AS (
        UPDATE orders SET status = 'cancelled', cause = 'expired', version = version + 1, changed_at = now()
          FROM locked
         WHERE orders.id = locked.id AND status = 'placed'
     RETURNING orders.id, customer_id, version, changed_at
    ), freed_vouchers AS (
        UPDATE voucher_uses SET state = 'released'
          FROM cancelled
         WHERE voucher_uses.order_id = cancelled.id AND state = 'used'
    ), told AS (
        INSERT INTO timeline (order_id, position, at, what, by)
        SELECT id, 1 + (SELECT count(*) FROM timeline WHERE order_id = id), changed_at, 'cancelled', 'shop'
          FROM cancelled
    )
    SELECT COALESCE((SELECT jsonb_agg(freed) FROM freed), '[]') AS levels,
           COALESCE((SELECT jsonb_agg(cancelled) FROM cancelled), '[]') AS orders
""")
# Asked as the index has it, see its migration.
DUE = """
    WITH left_alone AS (
        SELECT * FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS left_alone (sku, location)
    )
    SELECT DISTINCT sku, location
      FROM ((SELECT sku, location FROM reservations
              WHERE state = 'held' AND held_until AT TIME ZONE 'UTC' < now() AT TIME ZONE 'UTC'
                AND (sku, location) NOT IN (SELECT * FROM left_alone)
              ORDER BY held_until AT TIME ZONE 'UTC' LIMIT %(limit)s)
             UNION ALL
            (SELECT sku, location FROM holds
              WHERE state = 'held' AND held_until AT TIME ZONE 'UTC' < now() AT TIME ZONE 'UTC'
                AND (sku, location) NOT IN (SELECT * FROM left_alone)
              ORDER BY held_until AT TIME ZONE 'UTC' LIMIT %(limit)s)) due
     ORDER BY sku, location
"""
LOCK_STOCK_OF_ORDER = """
    SELECT sku FROM stock
     WHERE (sku, location) IN (SELECT sku, location FROM reservations WHERE order_id = %(id)s)
     ORDER BY sku, location
       FOR NO KEY UPDATE
"""
LOCK_ORDER = "SELECT id FROM orders WHERE id = %(id)s FOR NO KEY UPDATE"
SAVE = """
    WITH given AS (
        SELECT %(order)s::jsonb AS o
    ), changed AS (
        UPDATE orders SET status = %(status)s, cause = %(cause)s, version = %(version)s, changed_at = %(changed_at)s
         WHERE id = %(id)s
    ), changed_lines AS (
        UPDATE order_lines SET shipped = line.shipped
          FROM given, jsonb_to_recordset(o->'lines') AS line (sku text, shipped int)
         WHERE order_id = %(id)s AND order_lines.sku = line.sku AND order_lines.shipped <> line.shipped
    ), changed_reservations AS (
        UPDATE reservations SET state = now_so.state, shipped = now_so.shipped
          FROM given, jsonb_to_recordset(o->'reservations') AS now_so (sku text, location text, state text, shipped int)
         WHERE order_id = %(id)s AND reservations.sku = now_so.sku AND reservations.location = now_so.location
           AND (reservations.state, reservations.shipped) <> (now_so.state, now_so.shipped)
    ), changed_uses AS (
        UPDATE voucher_uses SET state = now_so.state
          FROM given, jsonb_to_recordset(o->'vouchers') AS now_so (code text, state text)
         WHERE order_id = %(id)s AND voucher_uses.code = now_so.code
           AND (now_so.state, voucher_uses.state) IN (('released', 'used'), ('used', 'released'), ('used', 'returned'))
    ), kept_shipments AS (
        INSERT INTO shipments (id, order_id, carrier, tracking, parcels, shipped_at, delivered_at)
        SELECT id, %(id)s::uuid, carrier, tracking, parcels, shipped_at, delivered_at
          FROM given, jsonb_to_recordset(o->'shipments') AS shipment (
               id uuid, carrier text, tracking text, parcels jsonb, shipped_at timestamptz, delivered_at timestamptz)
        ON CONFLICT (id) DO UPDATE SET delivered_at = excluded.delivered_at
         WHERE shipments.delivered_at IS DISTINCT FROM excluded.delivered_at
    ), kept_payments AS (
        INSERT INTO payments (id, order_id, method, reference, amount, currency, paid_at)
        SELECT id, %(id)s::uuid, method, reference, (amount->>'amount')::bigint, amount->>'currency', paid_at
          FROM given, jsonb_to_recordset(o->'payments') AS payment (
               id uuid, method text, reference text, amount jsonb, paid_at timestamptz)
        ON CONFLICT (id) DO NOTHING
    )
    INSERT INTO timeline (order_id, position, at, what, by)
    SELECT %(id)s::uuid, position, (e->>'at')::timestamptz, e->>'what', e->>'by'
      FROM given, jsonb_array_elements(o->'timeline') WITH ORDINALITY AS entry (e, position)
    ON CONFLICT (order_id, position) DO NOTHING
"""
READ = Planned("""
    SELECT CASE WHEN reasons IS NOT NULL THEN jsonb_build_object(
               'order_id', order_id, 'cart_id', decisions.cart_id, 'attempt', decisions.attempt,
               'customer_id', decisions.customer_id, 'reasons', reasons, 'quote_id', decisions.quote_id,
               'decided_at', decided_at) END AS rejection,
           CASE WHEN orders.id IS NOT NULL THEN jsonb_build_object(
               'id', orders.id, 'number', number, 'status', status, 'cause', cause, 'cart_id', orders.cart_id,
               'attempt', orders.attempt, 'market', market, 'customer_id', orders.customer_id,
               'quote_id', orders.quote_id, 'shipping_method', shipping_method, 'snapshot_hash', snapshot_hash,
               'totals', jsonb_build_object(
                   'goods', jsonb_build_object('amount', goods, 'currency', currency),
                   'discount', jsonb_build_object('amount', discount, 'currency', currency),
                   'shipping', jsonb_build_object('amount', shipping, 'currency', currency),
                   'shipping_tax', jsonb_build_object('amount', shipping_tax, 'currency', currency),
                   'tax', jsonb_build_object('amount', tax, 'currency', currency),
                   'total', jsonb_build_object('amount', total, 'currency', currency),
                   'tax_included', tax_included),
               'contact', contact, 'shipping_address', shipping_address, 'billing_address', billing_address,
               'placed_at', placed_at, 'changed_at', changed_at, 'version', version,
               'lines', (
                   SELECT jsonb_agg(jsonb_build_object(
                              'sku', sku, 'product_id', product_id, 'title', title, 'quantity', quantity,
                              'unit_price', jsonb_build_object('amount', unit_price, 'currency', currency),
                              'total', jsonb_build_object('amount', line.total, 'currency', currency),
                              'discount', jsonb_build_object('amount', line.discount, 'currency', currency),
                              'tax_class', tax_class, 'tax_rate', tax_rate,
                              'tax', jsonb_build_object('amount', line.tax, 'currency', currency),
                              'shipped', shipped) ORDER BY position)
                     FROM order_lines line WHERE order_id = orders.id),
               'vouchers', (
                   SELECT COALESCE(jsonb_agg(jsonb_build_object(
                              'code', code, 'off', off, 'state', state,
                              'amount', jsonb_build_object('amount', amount, 'currency', currency)) ORDER BY code), '[]')
                     FROM voucher_uses used WHERE order_id = orders.id),
               'reservations', (
                   SELECT COALESCE(jsonb_agg(to_jsonb(reservation) - 'order_id' ORDER BY sku, location), '[]')
                     FROM reservations reservation WHERE order_id = orders.id),
               'shipments', (
                   SELECT COALESCE(jsonb_agg(to_jsonb(shipment) - 'order_id' ORDER BY shipped_at, id), '[]')
                     FROM shipments shipment WHERE order_id = orders.id),
               'payments', (
                   SELECT COALESCE(jsonb_agg(jsonb_build_object(
                              'id', id, 'method', method, 'reference', reference, 'paid_at', paid_at,
                              'amount', jsonb_build_object('amount', amount, 'currency', payment.currency))
                              ORDER BY paid_at, id), '[]')
                     FROM payments payment WHERE order_id = orders.id),
               'timeline', (
                   SELECT COALESCE(jsonb_agg(to_jsonb(entry) - 'order_id' - 'position' ORDER BY position), '[]')
                     FROM timeline entry WHERE order_id = orders.id)) END AS found
      FROM decisions LEFT JOIN orders ON orders.id = order_id
     WHERE order_id = %(id)s
""")
STANDING = Planned("""
    SELECT COALESCE(orders.version, 1) AS version, decisions.customer_id
      FROM decisions LEFT JOIN orders ON orders.id = order_id
     WHERE order_id = %(id)s
""")
LIST = """
    SELECT id, number, status, customer_id, placed_at,
           jsonb_build_object('amount', total, 'currency', currency) AS total,
           (SELECT sum(quantity) FROM order_lines WHERE order_id = orders.id) AS items
      FROM orders
     WHERE (%(at)s::timestamptz IS NULL OR (placed_at, id) < (%(at)s, %(id)s))
       AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
       AND (%(status)s::text IS NULL OR status = %(status)s)
       AND (%(since)s::timestamptz IS NULL OR placed_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR placed_at < %(until)s)
       AND (%(text)s::text IS NULL OR number LIKE %(text)s)
     ORDER BY placed_at DESC, id DESC
     LIMIT %(limit)s
"""
PLACED = """
    SELECT id AS order_id, cart_id, attempt, market, customer_id, placed_at,
           jsonb_build_object('amount', total, 'currency', currency) AS total,
           (SELECT jsonb_agg(jsonb_build_object('sku', sku, 'product_id', product_id, 'quantity', quantity) ORDER BY sku)
              FROM order_lines WHERE order_id = orders.id) AS lines
      FROM orders
     WHERE placed_at >= %(since)s AND (placed_at, id) > (%(at)s, %(id)s)
     ORDER BY placed_at, id
     LIMIT %(limit)s
"""
