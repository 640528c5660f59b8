-- What every service keeps beside its own tables. The roles are named after the database: souk_order -> order_app, order_relay.

CREATE TABLE outbox (
    id         uuid PRIMARY KEY,
    type       text NOT NULL,
    event      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz
);
-- The relay takes what is unsent, oldest first; by the flag, since ids become visible out of order.
CREATE INDEX outbox_unsent ON outbox (created_at, id) WHERE sent_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE event_claims (
    consumer   text NOT NULL,
    event_id   uuid NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX event_claims_age ON event_claims (claimed_at);

CREATE TABLE attempts (
    scope       uuid PRIMARY KEY,
    fingerprint text NOT NULL,
    outcome     bytea,
    made_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attempts_age ON attempts (made_at);

DO $$
DECLARE
    service text := substring(current_database() FROM '^souk_(.*)$');
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, event_claims, attempts TO %I', service || '_app');
    EXECUTE format('GRANT SELECT, UPDATE, DELETE ON outbox TO %I', service || '_relay');
END
$$;
