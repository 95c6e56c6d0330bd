"""The reference appliance: a base of our own from Debian packages, with Kairos's layout, our agent and an installer."""
