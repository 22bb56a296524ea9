"""The package that brings the program `tallylint`, which `python -m tallylint` runs.

`tallylint.guard` checks contracts while a program runs; `tallylint.pytest_plugin` does so in a test run.
"""
