"""What the end-to-end tests share: a private PostgreSQL, a Tidegate, and a client of bare bytes."""
