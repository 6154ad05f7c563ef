"""What Gemini refuses in a request by model, by type and by bytes: one table of rules, and who holds requests to it."""
