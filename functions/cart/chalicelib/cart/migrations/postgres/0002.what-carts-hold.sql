-- The SKUs of a cart's lines, so that what its products cost now can be read together with what is added to it.
ALTER TABLE carts ADD COLUMN skus text[] NOT NULL DEFAULT '{}';
