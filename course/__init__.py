"""What a learner reads and what a lab imports: worlds, plots, checks, the command line."""
