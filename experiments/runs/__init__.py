"""Runs from the first birth to the final comparison: carrying one out, reading one, and comparing several.

How a run looks is report/'s and dashboard/'s business.
"""
