"""The only room that knows SQLAlchemy: schema, reading, writing, leases, outbox."""
