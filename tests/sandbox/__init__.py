"""What sandboxes hold, on every ground that there is."""
