CREATE CONSTRAINT product_id IF NOT EXISTS FOR (product:Product) REQUIRE product.id IS UNIQUE;
CREATE CONSTRAINT order_id IF NOT EXISTS FOR (counted:Order) REQUIRE counted.id IS UNIQUE;
