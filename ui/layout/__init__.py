"""What frames the places of the page: the bar, the lines of those not open, rules of style, mends of Streamlit."""
