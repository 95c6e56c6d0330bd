"""YAML text: read with the line of each key, written, and changed with its comments preserved.

Everything that reads or writes YAML outside the agent goes through here, so that a plain word means the same in
user-data, answer files and output (the agent has `core.yaml`, standard library only). Reading uses libyaml's parser by
way of PyYAML: ruamel's takes 16 to 35 times as long (186 kB: 1.36 s against 0.09 s). Changing a text needs ruamel.yaml,
which knows comments, order and quotes.
"""
