"""Pictures, PDFs and recordings, read and converted in a process of their own, which may break."""
