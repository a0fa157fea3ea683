"""The page that a learner gets back: what passed, what didn't and why, and their notebook.

nbgrader's ``generate_feedback`` makes it with the two classes named here in its configuration.
"""

from autograde.feedback.export import FeedbackExporter, PrepareFeedback

__all__ = ["FeedbackExporter", "PrepareFeedback"]
