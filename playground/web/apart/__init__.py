"""Work that must not be done in the web process: opening what a visitor brought, and long computations of exhibits."""
