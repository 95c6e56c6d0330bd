"""An index of the hosts in memory: which hosts a search finds, without a look at each of them."""
