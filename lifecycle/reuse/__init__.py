"""Answers that earlier runs gave to the same requests: found by digest, and taken over into a draft."""
