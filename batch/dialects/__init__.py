"""Requests that were written for another API, made into Gemini's, and answers given back in OpenAI's form."""
