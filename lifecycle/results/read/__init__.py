"""Results as the page reads them."""
