"""`souk serve`: the six apps behind a web server, each request given to them as API Gateway would give it to Lambda."""
