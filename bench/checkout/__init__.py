"""The path that must not break, seen from outside: many buyers over HTTP, then the stores read behind the shop's back."""
