-- A payment's own name pays for one order, for ever.
CREATE UNIQUE INDEX payments_reference ON payments (method, reference) WHERE reference <> '';
