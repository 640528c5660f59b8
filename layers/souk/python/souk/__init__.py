"""What all Souk services share: doors, errors, money, ids, events and one thin module per driver; no domain."""
