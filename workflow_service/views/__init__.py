"""What people and programs are shown (视图): the contract's JSON as plain dicts, for the API and the pages alike."""
