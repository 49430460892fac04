"""Who uses Vitrine: users, their API tokens and the one-time links that sign them in."""
