"""Guests: other kernels that tests run on. place.py has the table of them and what each offers."""
