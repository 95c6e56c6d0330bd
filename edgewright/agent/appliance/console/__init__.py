"""The screens of the appliance's own console (tty1 and serial): contents as plain lines, apart from the terminal."""
