"""The files of a run on their way to Google: inside its requests, or named in them once they are uploaded."""
