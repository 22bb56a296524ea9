"""The package that brings the program `tallylint`; it has no interface of its own but `python -m tallylint`."""
