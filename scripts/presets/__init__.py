"""What verify_presets.py is made of."""
