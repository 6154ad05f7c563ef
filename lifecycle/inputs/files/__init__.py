"""From folders, archives and files to checked blobs: what each is, what was mended in it, and why one is refused."""
