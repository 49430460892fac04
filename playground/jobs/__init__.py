"""The job kinds, one file each: the folder listing is the registry."""
