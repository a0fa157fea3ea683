"""How a submission becomes a grade, and the proof that it does so rightly."""
