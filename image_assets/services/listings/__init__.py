"""How camera sites say what they have: one reader a kind of listing, one judge of what they say."""
