"""Built characters: a spec becomes a bundle."""
