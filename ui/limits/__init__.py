"""How much one visitor may do: how often, and with how much of the disk."""
