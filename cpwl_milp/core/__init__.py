"""The nouns: frozen values on numpy that every other room speaks."""
