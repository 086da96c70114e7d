"""What searches have left, to be looked at: a page about some of them, a list of many. Reads files, without torch."""
