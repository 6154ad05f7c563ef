"""The database, the data folder and the keys in memory; the only place that knows SQLAlchemy."""
