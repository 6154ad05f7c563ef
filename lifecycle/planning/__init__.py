"""Plans and prices of a draft."""
