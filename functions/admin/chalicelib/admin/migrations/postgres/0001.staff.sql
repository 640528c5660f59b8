CREATE TABLE roles (
    name        text PRIMARY KEY,
    permissions text[] NOT NULL,
    version     integer NOT NULL DEFAULT 1
);

CREATE TABLE staff (
    id            uuid PRIMARY KEY,
    email         text NOT NULL,
    name          text NOT NULL,
    password_hash text NOT NULL,
    roles         text[] NOT NULL,
    status        text NOT NULL CHECK (status IN ('active', 'suspended')),
    version       integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX staff_email ON staff (lower(email));
CREATE INDEX staff_newest ON staff (created_at DESC, id DESC);

CREATE TABLE invitations (
    id          uuid PRIMARY KEY,
    token_hash  text NOT NULL UNIQUE,
    email       text NOT NULL,
    roles       text[] NOT NULL,
    invited_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz
);
CREATE INDEX invitations_newest ON invitations (created_at DESC, id DESC);

-- One entry per change made by staff of any service; nobody may change or remove one.
CREATE TABLE audit (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    service    text NOT NULL,
    actor      text NOT NULL,
    action     text NOT NULL,
    subject    text NOT NULL,
    before     jsonb NOT NULL,
    after      jsonb NOT NULL,
    personal   text[] NOT NULL,
    source_ip  text NOT NULL
);
CREATE INDEX audit_newest ON audit (at DESC, id DESC);
CREATE INDEX audit_actor ON audit (actor, at DESC, id DESC);
CREATE INDEX audit_subject ON audit (subject, at DESC, id DESC);
REVOKE UPDATE, DELETE, TRUNCATE ON audit FROM admin_app;
