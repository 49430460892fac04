"""What Vitrine claims about its speed, measured on whole sites: `make bench`."""
