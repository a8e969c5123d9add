"""Larger than one device."""
