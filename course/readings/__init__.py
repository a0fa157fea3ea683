"""The reading chapters, one per module, and the code of their figures."""
