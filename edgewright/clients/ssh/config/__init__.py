"""`~/.ssh/config` as OpenSSH reads it: patterns, lines with Include and Match, percent, and the chain of jump hosts.

Written from readconf.c of OpenSSH 9.2 and compared with `ssh -G`. `paramiko.SSHConfig` has no Include, evaluates blocks
of an included file differently and stops at lines that OpenSSH accepts.
"""
