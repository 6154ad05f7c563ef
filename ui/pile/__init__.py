"""A pile of documents, pictures or recordings: how it looks, what is wrong with which file, and one instruction."""
