"""The door for HTTP: one SPARQL endpoint, and pages."""
