"""The schemas of LENS: definitions, compatibility, history, and the registry that holds them."""
