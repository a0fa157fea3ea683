"""The author's tools: from a lab's hand-written source to notebook, release and solution."""
