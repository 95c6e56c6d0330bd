"""Files of a host: what is read for the console, and the verbs that copy and replace."""
