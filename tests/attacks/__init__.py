"""A catalogue of hostile and broken submissions, and the ground on which they are graded."""
