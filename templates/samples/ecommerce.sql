-- A small shop: customers and their orders. Made to be watched while it is replicated.
BEGIN;
CREATE TABLE IF NOT EXISTS customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers (id),
  product text NOT NULL,
  amount numeric(10, 2) NOT NULL CHECK (amount >= 0),
  status text NOT NULL DEFAULT 'pending',
  ordered_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO customers (name, email)
SELECT name, email
FROM (VALUES ('Ada', 'ada@example.com'), ('Grace', 'grace@example.com'), ('Edgar', 'edgar@example.com')) AS new (name, email)
WHERE NOT EXISTS (SELECT FROM customers);
INSERT INTO orders (customer_id, product, amount)
SELECT customers.id, new.product, new.amount
FROM (VALUES
  ('ada@example.com', 'keyboard', 89.00),
  ('ada@example.com', 'monitor', 249.50),
  ('grace@example.com', 'compiler', 0.00),
  ('edgar@example.com', 'bookshelf', 120.00)) AS new (email, product, amount)
JOIN customers USING (email)
WHERE NOT EXISTS (SELECT FROM orders);
COMMIT;
