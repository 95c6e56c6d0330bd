"""Network settings of a host as the console shows and changes them: values, their checks, and the files they are in."""
