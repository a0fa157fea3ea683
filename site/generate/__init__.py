"""The site's pages, made of the repository's own files."""
