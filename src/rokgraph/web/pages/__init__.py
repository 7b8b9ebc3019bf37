"""The pages for people: what is promised, by when, for how much, on which law."""
