"""`souk bridge`: carries events from the services' outboxes over RabbitMQ to the queues or functions that take them."""
