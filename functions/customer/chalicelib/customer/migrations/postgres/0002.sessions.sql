CREATE TABLE sessions (
    id         uuid PRIMARY KEY,
    subject    uuid NOT NULL,
    started_at timestamptz NOT NULL,
    used_at    timestamptz NOT NULL,
    ip         text NOT NULL,
    device     text NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX sessions_open ON sessions (subject, started_at DESC) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
    token_hash text PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions,
    expires_at timestamptz NOT NULL,
    spent_at   timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE sign_in_failures (
    key      text PRIMARY KEY,
    kind     text NOT NULL,
    failures integer NOT NULL,
    since    timestamptz NOT NULL
);
