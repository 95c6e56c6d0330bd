"""Who the user is: keys of files and agents, certificates, passwords, and questions of a host."""
