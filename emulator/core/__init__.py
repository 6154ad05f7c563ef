"""The service's memory and facts."""
