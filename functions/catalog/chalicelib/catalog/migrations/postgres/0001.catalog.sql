CREATE TABLE categories (
    id         uuid PRIMARY KEY,
    parent_id  uuid REFERENCES categories,
    name       text NOT NULL,
    slug       text NOT NULL,
    position   integer NOT NULL DEFAULT 0,
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    version    integer NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL
);
-- Siblings differ in their slug; a removed category leaves its slug free.
CREATE UNIQUE INDEX categories_slug
    ON categories (coalesce(parent_id, '00000000-0000-0000-0000-000000000000'), slug) WHERE state = 'active';
CREATE INDEX categories_changed ON categories (changed_at);

CREATE TABLE product_types (
    id         uuid PRIMARY KEY,
    code       text NOT NULL,
    name       text NOT NULL,
    attributes jsonb NOT NULL,
    state      text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'removed')),
    version    integer NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX product_types_code ON product_types (code) WHERE state = 'active';
CREATE INDEX product_types_changed ON product_types (changed_at);
