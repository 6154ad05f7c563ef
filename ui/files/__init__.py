"""What a visitor gave: files that arrived, how a pile of them looks, what is wrong with which, and one instruction."""
